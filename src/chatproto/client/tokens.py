"""By what a session proves who it is, and how it stays able to."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio
from attrs import evolve, field, frozen

from chatproto.client.transport import Disconnected
from chatproto.errors import MatrixError
from chatproto.operations.accounts import LoggedIn, Refreshed

# Tokens are replaced when so much of their life is left, or these milliseconds, from
# when they were seen first.
MARGIN_MS = 60_000
MARGIN_PART = 5
# An answer with new tokens is waited for even if the session is about to end: the old
# ones are worth nothing any more.
EXCHANGE_S = 10.0


def system_ms() -> int:
    """The time of day, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@frozen(kw_only=True)
class Tokens:
    """An access token, with what to replace it by.

    `expires_ms` is when it ends, in milliseconds since the epoch; None: not by itself.
    """

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_ms: int | None = None

    @classmethod
    def of(cls, answer: LoggedIn | Refreshed, now_ms: int) -> Tokens:
        """The tokens that a server has just given."""
        life_ms = answer.expires_in_ms
        return cls(
            access=answer.access_token,
            refresh=answer.refresh_token,
            expires_ms=None if life_ms is None else now_ms + life_ms,
        )


class TokenStore(Protocol):
    """Where tokens outlive the program; None: there are none yet."""

    def load(self) -> Tokens | None: ...
    def save(self, tokens: Tokens) -> None: ...


class Credentials:
    """The tokens of a session, replaced once for all who need it.

    `exchange` gives the server a refresh token for new tokens. `store` may be shared
    with other programs: tokens that one of them got are taken over.
    """

    def __init__(
        self,
        tokens: Tokens,
        exchange: Callable[[str], Awaitable[Refreshed]],
        *,
        store: TokenStore | None = None,
        now_ms: Callable[[], int] = system_ms,
    ) -> None:
        self.tokens = tokens
        self._exchange = exchange
        self._store = store
        self._now_ms = now_ms
        self._seen_ms = now_ms()
        self._lock = trio.Lock()

    @property
    def can_renew(self) -> bool:
        return self.tokens.refresh is not None

    def due_in_s(self) -> float | None:
        """Seconds until the tokens are to be replaced; None: never."""
        expires_ms = self.tokens.expires_ms
        if expires_ms is None or not self.can_renew:
            return None
        margin_ms = min(MARGIN_MS, (expires_ms - self._seen_ms) // MARGIN_PART)
        return max(0, expires_ms - margin_ms - self._now_ms()) / 1000

    async def renew(self, used: str) -> None:
        """Replace the tokens, unless the access token `used` has been already.

        Raises MatrixError if the server refuses; Disconnected if it cannot be asked.
        """
        async with self._lock:
            if self.tokens.access != used or self._taken_over(used):
                return
            with trio.move_on_after(EXCHANGE_S, shield=True) as patience:
                await self._replace(used)
            if patience.cancelled_caught:
                raise Disconnected(None, "no new tokens in time")

    async def _replace(self, used: str) -> None:
        if self.tokens.refresh is None:
            raise MatrixError(
                "M_UNKNOWN_TOKEN", "the access token is not good any more"
            )
        try:
            answer = await self._exchange(self.tokens.refresh)
        except MatrixError as error:
            if self._taken_over(used):
                return  # another program was faster
            if error.errcode == "M_UNKNOWN_TOKEN":
                self.tokens = evolve(self.tokens, refresh=None)
            raise
        tokens = Tokens.of(answer, self._now_ms())
        if tokens.refresh is None:  # then the old one holds on
            tokens = evolve(tokens, refresh=self.tokens.refresh)
        self._take(tokens)
        if self._store is not None:
            self._store.save(self.tokens)

    def _taken_over(self, used: str) -> bool:
        """Whether the store has newer tokens than `used`, which then hold."""
        stored = None if self._store is None else self._store.load()
        if stored is None or stored.access == used:
            return False
        self._take(stored)
        return True

    def _take(self, tokens: Tokens) -> None:
        self.tokens, self._seen_ms = tokens, self._now_ms()


def has_expired(error: MatrixError) -> bool:
    """Whether a call was refused just because its access token has run out."""
    return error.errcode == "M_UNKNOWN_TOKEN" and error.extra.get("soft_logout") is True
