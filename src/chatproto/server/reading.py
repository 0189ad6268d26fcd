"""What a handler that reads, or prepares, may ask of the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import define

from chatproto.canonical import JsonObject
from chatproto.decisions import Caller, Find, Row, SeenEvent
from chatproto.errors import MatrixError
from chatproto.ids import RoomId, ServerName
from chatproto.ports import Store
from chatproto.rooms.timeline import Timeline
from chatproto.server.client_format import Formats
from chatproto.server.pages import Viewer, heard
from chatproto.server.streams import Streams
from chatproto.server.visible import Visible

if TYPE_CHECKING:
    from chatproto.server.engine import Engine


@define(eq=False)
class Reading:
    """What a reading handler gets: the caller, the time, and the server's stores."""

    engine: Engine
    caller: Caller
    now_ms: int

    @property
    def server(self) -> ServerName:
        return self.engine.server

    @property
    def store(self) -> Store:
        return self.engine.store

    @property
    def visible(self) -> Visible:
        return self.engine.visible

    @property
    def streams(self) -> Streams:
        return self.engine.streams

    @property
    def formats(self) -> Formats:
        return self.engine.formats

    async def page(
        self,
        room_id: RoomId,
        events: Sequence[SeenEvent],
        *,
        through: int | None = None,
    ) -> tuple[JsonObject, ...]:
        """Events of one room as the caller sees them, with what relates to them as of
        the event `through`, or as far as the caller may see.
        """
        members = await self.visible.members(room_id, self.caller.user)
        if through is None:
            room = await self.store.room(room_id)
            ranges = await self.visible.ranges_by(
                room_id, members, room.seq if room else 0
            )
            through = max((high for _, high in ranges), default=0)
        viewer = Viewer(
            user_id=self.caller.user,
            device_id=self.caller.device_id,
            now_ms=self.now_ms,
            through=through,
            members=members,
        )
        return tuple(await self.engine.pages.client_events(room_id, events, viewer))

    async def heard(self, events: Sequence[SeenEvent]) -> Sequence[SeenEvent]:
        """Events without the messages of those whom the caller ignores."""
        return heard(events, await self.engine.unread.ignored(self.caller.user))

    async def find(self, find: Find) -> Sequence[Row]:
        return await self.store.find(find)

    async def room(self, room_id: RoomId) -> Timeline:
        """The room; raises MatrixError M_NOT_FOUND."""
        live = await self.engine.cache.load(room_id)
        if live is None:
            raise MatrixError("M_NOT_FOUND", f"no room {room_id[:60]} on this server")
        return live.timeline
