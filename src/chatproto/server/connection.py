"""One live socket of a device: news as they come, or caught up with from the store.

States. LIVE: frames go straight to the sink. BEHIND: frames are dropped, since the
stream will be read from the store from the position last sent. CATCHING: the store is
being read up to a point, and frames of what came after that point are held back.

| state | event | next |
|---|---|---|
| LIVE | the sink is full | BEHIND |
| LIVE | rooms came or went | BEHIND |
| BEHIND | the sink has drained | CATCHING |
| CATCHING | held back too much, rooms came or went | CATCHING, and once more after |
| CATCHING | read and written | LIVE |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Protocol

import trio

from chatproto.canonical import JsonObject, dumps
from chatproto.ids import DeviceId, UserId
from chatproto.server.positions import Position
from chatproto.wire.frames import push_bytes
from chatproto.wire.websocket import Encoded

# What may be held back while the store is read.
MAX_HELD_BYTES = 256 * 1024
# A snapshot is sent in parts of about this size, so that no frame is too large for a
# client, and a slow one costs one part.
PART_BYTES = 200 * 1024


class Sink(Protocol):
    """Where frames go: bounded, and never waiting."""

    def queue(self, frame: Encoded) -> bool:
        """Whether it was taken; false if the sink is full."""
        ...

    def flush(self) -> bool: ...
    async def drained(self) -> None:
        """Wait until everything has been written, or cannot be any more."""
        ...


class State(Enum):
    LIVE = "live"
    BEHIND = "behind"
    CATCHING = "catching"


class Connection:
    """A reader of a device's stream that writes to a sink.

    `read(since)` gives the body of everything after a position, and the position it
    goes up to; that position is taken before anything is read.
    """

    __slots__ = (
        "_again",
        "_held",
        "_held_bytes",
        "_on_end",
        "_read",
        "_replies",
        "_running",
        "_sent",
        "_sink",
        "_start",
        "_state",
        "_wants",
        "device_id",
        "user_id",
    )

    def __init__(
        self,
        user_id: UserId,
        device_id: DeviceId | None,
        sink: Sink,
        *,
        read: Callable[[Position | None], Awaitable[tuple[JsonObject, Position]]],
        start: Callable[[Callable[[], Awaitable[None]]], None],
        on_end: Callable[[str], None],
        since: Position | None,
        wants: frozenset[str] | None = None,
    ) -> None:
        self.user_id = user_id
        self.device_id = device_id
        self._sink = sink
        self._read = read
        self._start = start
        self._on_end = on_end
        self._replies: list[tuple[Encoded, Callable[[], None]]] = []
        self._sent = since
        self._wants = wants
        self._state = State.BEHIND
        self._held: list[Encoded] = []
        self._held_bytes = 0
        self._again = False
        self._running = False

    @property
    def state(self) -> State:
        return self._state

    @property
    def sent(self) -> Position | None:
        """The position up to which everything has been handed to the sink."""
        return self._sent

    def queue(self, kind: str, frame: Encoded) -> None:
        if self._state is State.LIVE:
            if self._is_wanted(kind) and not self._sink.queue(frame):
                self.behind()
        elif self._state is State.CATCHING and self._is_wanted(kind):
            self._held_bytes += len(frame.payload)
            if self._held_bytes > MAX_HELD_BYTES:
                self._again = True
            else:
                self._held.append(frame)

    def mark(self, at: Position) -> None:
        if self._state is State.LIVE:
            self._sent = at

    def flush(self) -> None:
        if self._state is State.LIVE:
            self._sink.flush()

    def behind(self) -> None:
        if self._state is State.CATCHING:
            self._again = True
            return
        if self._state is State.LIVE:
            self._state = State.BEHIND
        self.catch_up_soon()

    def end(self, reason: str) -> None:
        self._on_end(reason)

    def reply(self, frame: Encoded, taken: Callable[[], None]) -> None:
        """Queue an answer; unlike news it is kept if the sink is full.

        `taken` is called once the sink has it, so that whoever does not read answers
        gets no more of them.
        """
        if not self._replies and self._sink.queue(frame):
            taken()
        else:
            self._replies.append((frame, taken))
            self.behind()

    def catch_up_soon(self) -> None:
        if not self._running:
            self._running = True
            self._start(self.catch_up)

    async def catch_up(self) -> None:
        """Read from the store until the reader is where the server is."""
        try:
            while True:
                await trio.lowlevel.checkpoint()
                await self._sink.drained()
                self._send_replies()
                self._held, self._held_bytes, self._again = [], 0, False
                self._state = State.CATCHING
                body, until = await self._read(self._sent)
                if not await self._write(body, until):
                    self._state = State.BEHIND
                    return  # the other side has gone; its session is about to end
                self._sent = until
                if self._again or self._replies:
                    self._state = State.BEHIND
                    continue
                if self._go_live():
                    return
        finally:
            self._running = False

    def _send_replies(self) -> None:
        replies, self._replies = self._replies, []
        for frame, taken in replies:
            if self._sink.queue(frame):
                taken()
            else:
                self._replies.append((frame, taken))
        self._sink.flush()

    def _go_live(self) -> bool:
        """Whether what was held back fitted into the sink."""
        self._state = State.LIVE
        held, self._held = self._held, []
        for frame in held:
            self.queue("held", frame)
        self.flush()
        return self._state is State.LIVE

    async def _write(self, body: JsonObject, until: Position) -> bool:
        """Whether all of it was taken."""
        parts = split(body)
        for number, part in enumerate(parts):
            at = str(until) if number == len(parts) - 1 else None
            frame = Encoded.of(push_bytes(at, (dumps({"sync": part}),)))
            if not self._sink.queue(frame):
                await self._sink.drained()
                if not self._sink.queue(frame):
                    return False
            self._sink.flush()
            await self._sink.drained()
        return True

    def _is_wanted(self, kind: str) -> bool:
        return self._wants is None or kind in self._wants or kind in ("at", "held")


def split(body: JsonObject) -> list[JsonObject]:
    """A sync body as parts by room, each small enough for a frame where rooms allow."""
    if len(dumps(body)) <= PART_BYTES:
        return [body]
    rest = {key: value for key, value in body.items() if key != "rooms"}
    parts: list[JsonObject] = []
    part: JsonObject = {}
    size = 0
    for name, rooms in body.get("rooms", {}).items():
        for room_id, section in rooms.items():
            length = len(dumps(section))
            if part and size + length > PART_BYTES:
                parts.append({"rooms": part})
                part, size = {}, 0
            part.setdefault(name, {})[room_id] = section
            size += length
    parts.append({**rest, "rooms": part})
    return parts
