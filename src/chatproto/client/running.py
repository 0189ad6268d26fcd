"""Which of a bot's handlers are at work."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import trio
from attrs import define, field


@define(eq=False)
class Running:
    """Counts the handlers at work; those that wait for somebody's answer are not."""

    count: int = 0
    _changed: trio.Event = field(factory=trio.Event)

    def begin(self) -> None:
        self.count += 1

    def end(self) -> None:
        self.count -= 1
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    @contextmanager
    def waiting(self) -> Generator[None]:
        """For the time of the block, the handler waits for somebody."""
        self.end()
        try:
            yield
        finally:
            self.begin()

    async def settled(self) -> None:
        """Wait until no handler is at work."""
        while self.count:
            await self._changed.wait()
