"""What is told to others, and asked for, by looking at a chat and writing in it."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field

from chatproto.client.rooms import Room as Handle
from chatproto.client.session import Session
from chatproto.client.transport import Disconnected
from chatproto.ids import EventId, RoomId
from chatproto.operations.codec import unstructure
from chatproto.operations.messages import GetHistory
from chatproto.sync.room import Room

TYPING_S = 4.0
TYPING_MS = 8_000
PAGE = 50
KEPT = 1_000  # events of a room that are not paged back to


@define(eq=False)
class Attention:
    """Receipts, typing and history for one `session`; `start` begins a task."""

    session: Session
    start: Callable[..., None]
    _read: dict[RoomId, EventId] = field(factory=dict)
    _asked: set[tuple[RoomId, str]] = field(factory=set)
    _writing: RoomId | None = None
    _told_at: float = float("-inf")

    # what is shown has been read

    def shown(self, room: Room) -> None:
        """The newest of a chat is on the screen."""
        latest = room.timeline.latest()
        if latest is None or room.timeline.head <= room.read_seq:
            return
        newest = EventId(str(latest["event_id"]))
        if self._read.get(room.room_id) != newest:
            self._read[room.room_id] = newest
            self.start(self._tell_read, room.room_id, newest)

    async def _tell_read(self, room_id: RoomId, newest: EventId) -> None:
        try:
            await Handle(self.session, room_id).read(newest)
        except Disconnected:
            self._read.pop(room_id, None)  # to be told over the next connection
            raise

    # who is writing

    def written(self, room: Room, text: str) -> None:
        """The line for a room is now this."""
        if not text or text.startswith("/"):
            self.stopped()
        elif self.session.is_connected and room.membership == "join":
            now = trio.current_time()
            if room.room_id != self._writing or now - self._told_at >= TYPING_S:
                self._writing, self._told_at = room.room_id, now
                self.start(self._tell_typing, room.room_id, True)

    def stopped(self) -> None:
        """Nothing is being written any more."""
        room_id, self._writing = self._writing, None
        if room_id is not None and self.session.is_connected:
            self.start(self._tell_typing, room_id, False)

    async def _tell_typing(self, room_id: RoomId, on: bool) -> None:
        await Handle(self.session, room_id).typing(on=on, timeout_ms=TYPING_MS)

    # what is missing is paged in

    def missed(self, room_id: RoomId, token: str) -> None:
        """What is before this token ought to be on the screen."""
        if (room_id, token) not in self._asked and self.session.is_connected:
            self._asked.add((room_id, token))
            self.start(self._page, room_id, token)

    async def _page(self, room_id: RoomId, token: str) -> None:
        request = GetHistory(room_id=room_id, from_=token, limit=PAGE)
        try:
            page = await self.session.call(request)
        except Disconnected:
            self._asked.discard((room_id, token))
            raise
        self.session.state.apply_history(room_id, unstructure(page))

    def forget(self) -> None:
        """Let go of what is long ago, unless somebody looks at it."""
        self.session.state.trim(KEPT)
        self._asked.clear()
