"""Calls on their way over a connection, and who waits for their answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import trio

from chatproto.canonical import JsonObject
from chatproto.errors import MatrixError
from chatproto.operations.codec import unstructure
from chatproto.operations.declare import Call, Operation
from chatproto.wire.frames import CallFrame, Reply
from chatproto.wire.http import typed_answer

T = TypeVar("T")


class Pending(Generic[T]):
    """An answer that somebody waits for, or several."""

    def __init__(self) -> None:
        self._event = trio.Event()
        self._value: T | None = None
        self._error: BaseException | None = None

    def set(self, value: T) -> None:
        if not self._event.is_set():
            self._value = value
            self._event.set()

    def fail(self, error: BaseException) -> None:
        """Has no effect if the answer is there already."""
        if not self._event.is_set():
            self._error = error
            self._event.set()

    async def wait(self) -> T:
        await self._event.wait()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # it was set


class Calls:
    """Numbers calls and gives each its answer. `send` sends a frame."""

    def __init__(self, send: Callable[[CallFrame], Awaitable[None]]) -> None:
        self._send = send
        self._number = 0
        self._pending: dict[int, Pending[Any]] = {}
        self._settled = trio.Event()

    async def ask(self, operation: Operation, request: Call[Any]) -> Any:
        """Raises MatrixError; Disconnected if the answer was cut off."""
        self._number += 1
        frame = CallFrame(self._number, operation.name, unstructure(request))
        pending = self._pending[frame.id] = Pending[Any]()
        try:
            await self._send(frame)
            return typed_answer(operation, await pending.wait())
        finally:
            self._pending.pop(frame.id, None)
            if not self._pending:
                self._settled.set()

    def answered(self, frame: Reply) -> None:
        pending = self._pending.get(frame.re)
        if pending is None:
            return  # whoever asked has given up
        if frame.err is None:
            pending.set(frame.ok)
        else:
            pending.fail(_refusal(frame.err))

    def cut(self, error: BaseException) -> None:
        """There will be no more answers to what was asked so far."""
        for pending in self._pending.values():
            pending.fail(error)

    async def settled(self) -> None:
        """Wait until every call has its answer."""
        while self._pending:
            self._settled = trio.Event()
            await self._settled.wait()


def _refusal(json: JsonObject) -> MatrixError:
    known = ("errcode", "error", "retry_after_ms")
    return MatrixError(
        str(json.get("errcode", "M_UNKNOWN")),
        str(json.get("error", "")),
        retry_after_ms=json.get("retry_after_ms"),
        extra={key: value for key, value in json.items() if key not in known},
    )
