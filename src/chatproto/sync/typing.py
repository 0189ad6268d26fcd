"""Who is writing, and until when that is believed."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define

from chatproto.ids import UserId

TYPING_MS = 30_000


@define(eq=False)
class Typing:
    """The server tells the whole list; without news it ends after 30 seconds."""

    user_ids: tuple[UserId, ...] = ()
    expires_ms: int | None = None

    def replace(self, user_ids: Iterable[str], own: UserId, now_ms: int) -> bool:
        """Take a new list; oneself is never in it. Whether it differs."""
        before = self.user_ids
        self.user_ids = tuple(sorted({UserId(u) for u in user_ids if u != own}))
        self.expires_ms = now_ms + TYPING_MS if self.user_ids else None
        return self.user_ids != before

    def expire(self, now_ms: int) -> bool:
        """Whether the list has ended by now."""
        if self.expires_ms is None or now_ms < self.expires_ms:
            return False
        self.user_ids, self.expires_ms = (), None
        return True
