"""Which part of a room's history a user may see, read from its state events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from chatproto.decisions import SeenEvent
from chatproto.errors import MatrixError
from chatproto.ids import EventId, RoomId, UserId
from chatproto.ports import Store
from chatproto.rooms.visibility import can_see, visible_ranges

Ranges: TypeAlias = Sequence[tuple[int, int]]


@frozen
class Visible:
    """Answers by the stored history alone, so that it holds for the left and banned."""

    store: Store

    async def ranges(self, room_id: RoomId, user_id: UserId, head: int) -> Ranges:
        """The ranges of seq, both ends included, that the user may see."""
        return await self.ranges_by(room_id, await self.members(room_id, user_id), head)

    async def members(self, room_id: RoomId, user_id: UserId) -> Sequence[SeenEvent]:
        """The user's member events, oldest first."""
        return await self.store.state_changes(room_id, "m.room.member", user_id)

    async def ranges_by(
        self, room_id: RoomId, members: Sequence[SeenEvent], head: int
    ) -> Ranges:
        """The ranges that someone with these member events may see."""
        rules = await self.store.state_changes(room_id, "m.room.history_visibility", "")
        return visible_ranges(
            [(e.seq, str(e.pdu.content.get("membership", "leave"))) for e in members],
            [(e.seq, str(e.pdu.content.get("history_visibility", ""))) for e in rules],
            head,
        )

    async def event(
        self,
        room_id: RoomId,
        event_id: EventId,
        user_id: UserId,
    ) -> SeenEvent:
        """An event that the user may see.

        Raises MatrixError M_NOT_FOUND, also for one that exists and is not for them.
        """
        event = await self.store.event(room_id, event_id)
        if event is not None:
            room = await self.store.room(room_id)
            head = room.seq if room else 0
            members = await self._remembered(room_id, user_id)
            if can_see(await self.ranges_by(room_id, members, head), event.seq):
                return event
        raise MatrixError("M_NOT_FOUND", f"no event {event_id[:60]} that you may see")

    async def require_state(self, room_id: RoomId, user_id: UserId) -> int:
        """The seq up to which the user may see the room's state: now for members, when
        they left it for others.

        Raises MatrixError M_FORBIDDEN, also for one who has only been invited.
        """
        ranges = await self.require(room_id, user_id)
        members = await self._remembered(room_id, user_id)
        if not any(e.pdu.content.get("membership") == "join" for e in members):
            rules = await self.store.state_changes(
                room_id,
                "m.room.history_visibility",
                "",
            )
            newest = rules[-1].pdu.content if rules else {}
            if newest.get("history_visibility") != "world_readable":
                raise MatrixError("M_FORBIDDEN", "you have not joined this room")
        return max(high for _, high in ranges)

    async def require(self, room_id: RoomId, user_id: UserId) -> Ranges:
        """What the user may see of a room; raises MatrixError M_FORBIDDEN if nothing."""
        room = await self.store.room(room_id)
        members = await self._remembered(room_id, user_id)
        ranges = await self.ranges_by(room_id, members, room.seq) if room else ()
        if not ranges:
            raise MatrixError("M_FORBIDDEN", f"you are not in the room {room_id[:60]}")
        return ranges

    async def _remembered(
        self, room_id: RoomId, user_id: UserId
    ) -> Sequence[SeenEvent]:
        """The user's member events; who has forgotten a room is a stranger to it."""
        own = await self.store.membership(room_id, user_id)
        if own is not None and own.forgotten:
            return ()
        return await self.store.state_changes(room_id, "m.room.member", user_id)
