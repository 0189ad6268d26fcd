"""A reply or an error that somebody waits for, and an answer that was stored."""

from __future__ import annotations

from typing import Any

import trio
from attrs import frozen, has

from chatproto.canonical import loads
from chatproto.operations.codec import structure


@frozen
class RawReply:
    """An answer that was stored as JSON."""

    json: bytes

    def typed(self, response: Any) -> Any:
        """The answer as it was given first, of the operation's response type."""
        answer = loads(self.json)
        return structure(response, answer) if has(response) else answer


class Outcome:
    """A reply or an error that somebody waits for."""

    def __init__(self) -> None:
        self._event = trio.Event()
        self._reply: Any = None
        self._error: BaseException | None = None

    def set(self, reply: Any, error: BaseException | None) -> None:
        self._reply, self._error = reply, error
        self._event.set()

    async def wait(self) -> Any:
        await self._event.wait()
        if self._error is not None:
            raise self._error
        return self._reply
