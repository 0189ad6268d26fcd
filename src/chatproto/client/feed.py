"""News to whoever follows."""

from __future__ import annotations

from typing import Generic, TypeVar

import trio
from attrs import define, field

T = TypeVar("T")

KEPT = 1_000


@define(eq=False)
class Feed(Generic[T]):
    """Tells every follower everything, in order, and waits for none.

    One that is more than `kept` behind is cut off: its channel ends.
    """

    kept: int = KEPT
    _followers: set[trio.MemorySendChannel[T]] = field(factory=set)

    @property
    def is_followed(self) -> bool:
        return bool(self._followers)

    def follow(self) -> trio.MemoryReceiveChannel[T]:
        send, receive = trio.open_memory_channel[T](self.kept)
        self._followers.add(send)
        return receive

    def tell(self, value: T) -> None:
        for follower in tuple(self._followers):
            try:
                follower.send_nowait(value)
            except (trio.WouldBlock, trio.BrokenResourceError):
                follower.close()
                self._followers.discard(follower)

    def close(self) -> None:
        """There will be no more news."""
        for follower in self._followers:
            follower.close()
        self._followers.clear()
