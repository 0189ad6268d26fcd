"""A /sync that waits: a reader that only wants to know that there is news."""

from __future__ import annotations

import trio

from chatproto.ids import DeviceId, UserId
from chatproto.server.positions import Position
from chatproto.wire.websocket import Encoded


class Waiter:
    """Wakes when anything is queued for its user; what it was is read from the store."""

    def __init__(self, user_id: UserId, device_id: DeviceId | None) -> None:
        self.user_id = user_id
        self.device_id = device_id
        self._news = trio.Event()
        self.is_over = False  # its session has ended
        self.is_closing = False  # the server ends: answer with what there is

    def reset(self) -> None:
        self._news = trio.Event()

    async def wait(self) -> None:
        await self._news.wait()

    def queue(self, kind: str, frame: Encoded) -> None:
        self._news.set()

    def mark(self, at: Position) -> None:
        pass

    def behind(self) -> None:
        self._news.set()

    def flush(self) -> None:
        pass

    def end(self, reason: str) -> None:
        self.is_over = True
        self._news.set()

    def close(self) -> None:
        self.is_closing = True
        self._news.set()
