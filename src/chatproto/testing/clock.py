"""Time and chance that go as a test says."""

from __future__ import annotations

import random

import trio
from attrs import define

START_MS = 1_700_000_000_000


@define(eq=False)
class FrozenClock:
    """Stands still until it is moved. `ms` are milliseconds since the epoch."""

    ms: int = START_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def advance_ms(self, ms: int) -> None:
        """Move on by so many milliseconds."""
        self.ms += ms


@define(eq=False)
class TrioClock:
    """Goes as trio's clock goes: in a test with an autojump clock, without waiting.

    `start_ms` is the time of day, in milliseconds since the epoch, at trio's zero.
    """

    start_ms: int = START_MS

    def now_ms(self) -> int:
        return self.start_ms + round(trio.current_time() * 1000)

    def monotonic(self) -> float:
        return trio.current_time()


class SeededRandom:
    """Chance that falls the same way in every run with the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311  # not for secrets

    def bytes(self, count: int) -> bytes:
        """So many bytes, as an engine wants them."""
        return self._random.randbytes(count)

    def number(self) -> float:
        """A number in [0, 1), as a `Backoff` wants it."""
        return self._random.random()
