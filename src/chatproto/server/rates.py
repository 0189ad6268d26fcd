"""Token buckets, one for each caller and class of calls."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, frozen

from chatproto.errors import MatrixError
from chatproto.operations.declare import Rate


@frozen
class Bucket:
    """`per_second` calls in the long run, `burst` at once."""

    per_second: float
    burst: int


# Precedents are Synapse's defaults; ours are for a server whose sends cost a
# hundredth. Log-in is bounded before any password is hashed.
DEFAULT_RATES: Mapping[Rate, Bucket] = {
    Rate.READ: Bucket(50, 200),
    Rate.WRITE: Bucket(10, 50),
    Rate.MESSAGE: Bucket(20, 100),
    Rate.EPHEMERAL: Bucket(20, 100),
    Rate.LOGIN: Bucket(0.1, 10),
    Rate.REGISTER: Bucket(0.2, 10),
    Rate.INVITE: Bucket(0.3, 20),
    Rate.SYNC: Bucket(20, 100),
    Rate.SEARCH: Bucket(5, 30),
    Rate.MEDIA: Bucket(5, 50),
    Rate.DOWNLOAD: Bucket(100, 1000),  # a client that opens loads hundreds of avatars
}

# Forgetting idle buckets bounds memory; an idle one would be full again anyway.
MAX_BUCKETS = 50_000


@define
class _Level:
    tokens: float
    at: float


class RateLimits:
    """Takes one token for each call, or refuses it.

    `rates` None switches the limits off.
    """

    def __init__(self, rates: Mapping[Rate, Bucket] | None = DEFAULT_RATES) -> None:
        self._rates = rates
        self._levels: dict[tuple[Rate, str], _Level] = {}

    def take(self, rate: Rate, who: str, now: float) -> None:
        """Raises MatrixError M_LIMIT_EXCEEDED; `now` is in seconds, steady."""
        if self._rates is None:
            return
        bucket = self._rates[rate]
        level = self._levels.get((rate, who))
        if level is None:
            self._make_room(now)
            level = self._levels[rate, who] = _Level(bucket.burst, now)
        gained = (now - level.at) * bucket.per_second
        level.tokens = min(bucket.burst, level.tokens + gained)
        level.at = now
        if level.tokens < 1:
            wait_ms = int((1 - level.tokens) / bucket.per_second * 1000) + 1
            raise MatrixError(
                "M_LIMIT_EXCEEDED",
                f"too many calls of the class {rate.value}; wait {wait_ms} ms",
                retry_after_ms=wait_ms,
            )
        level.tokens -= 1

    def _make_room(self, now: float) -> None:
        if len(self._levels) < MAX_BUCKETS or self._rates is None:
            return
        for key, level in list(self._levels.items()):
            bucket = self._rates[key[0]]
            if level.tokens + (now - level.at) * bucket.per_second >= bucket.burst:
                del self._levels[key]
        while len(self._levels) >= MAX_BUCKETS:
            del self._levels[next(iter(self._levels))]
