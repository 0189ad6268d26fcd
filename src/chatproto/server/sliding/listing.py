"""The rooms of a user, as far as the lists of a request have to know them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import trio
from attrs import define, field, frozen

from chatproto.ids import RoomId, UserId
from chatproto.ports import MembershipRow, RoomRow, Store
from chatproto.server.positions import Position
from chatproto.server.rooms import RoomCache
from chatproto.server.sliding.windows import Asked, ListedRoom

IN_LISTS = ("join", "invite", "knock")


@frozen
class Listing:
    """A user's rooms at a position. Those that they are in are in `rooms`, too."""

    members: Mapping[RoomId, MembershipRow] = field(factory=dict)
    rooms: Mapping[RoomId, RoomRow] = field(factory=dict)
    listed: tuple[ListedRoom, ...] = ()
    direct: frozenset[str] = frozenset()


@define(eq=False)
class Listings:
    """Reads them, each part only if a filter asks for it."""

    store: Store
    cache: RoomCache

    async def read(self, user_id: UserId, asked: Asked, until: Position) -> Listing:
        # What came after `until` is told with the next answer.
        members = {
            member.room_id: member
            for member in await self.store.memberships(user_id)
            if member.pos <= until.pos
        }
        direct = await self._direct(user_id)
        tags = await self._tags(user_id, asked, until)
        spaces = await self._spaces(members, asked)
        rooms: dict[RoomId, RoomRow] = {}
        listed: list[ListedRoom] = []
        for number, (room_id, member) in enumerate(members.items()):
            # A user in hundreds of rooms keeps nobody else waiting for long.
            if number % 50 == 0:
                await trio.lowlevel.checkpoint()
            activity = member.pos
            if member.membership == "join":
                room = await self.store.room(room_id)
                if room is None:
                    continue
                rooms[room_id] = room
                activity = max(activity, room.last_pos)
            elif member.membership not in IN_LISTS:
                continue
            encrypted, room_type, name = False, None, None
            if asked.filters_by_state:
                encrypted, room_type, name = await self._state(room_id)
            listed.append(
                ListedRoom(
                    room_id=room_id,
                    activity=activity,
                    membership=member.membership,
                    is_dm=room_id in direct,
                    is_encrypted=encrypted,
                    room_type=room_type,
                    name=name,
                    tags=tags.get(room_id, frozenset()),
                    spaces=spaces.get(room_id, frozenset()),
                )
            )
        return Listing(members, rooms, tuple(listed), direct)

    async def _direct(self, user_id: UserId) -> frozenset[str]:
        content = await self.store.account_datum(user_id, None, "m.direct") or {}
        return frozenset(
            room_id
            for rooms in content.values()
            if isinstance(rooms, list)
            for room_id in rooms
            if isinstance(room_id, str)
        )

    async def _tags(
        self, user_id: UserId, asked: Asked, until: Position
    ) -> Mapping[RoomId, frozenset[str]]:
        if not asked.filters_by_tags:
            return {}
        rows = await self.store.account_data(user_id, after=0, until=until.pos)
        return {
            row.room_id: frozenset(row.content["tags"])
            for row in rows
            if row.room_id is not None
            and row.type == "m.tag"
            and isinstance(row.content.get("tags"), dict)
        }

    async def _spaces(
        self, members: Mapping[RoomId, MembershipRow], asked: Asked
    ) -> Mapping[str, frozenset[str]]:
        """For each room the spaces asked for, and joined, that name it as a child."""
        found: dict[str, set[str]] = defaultdict(set)
        for space in asked.spaces:
            member = members.get(RoomId(space))
            if member is None or member.membership != "join":
                continue
            live = await self.cache.load(member.room_id)
            for pdu in live.timeline.state.events() if live else ():
                if pdu.type == "m.space.child" and pdu.content.get("via"):
                    found[pdu.state_key or ""].add(space)
        return {room_id: frozenset(spaces) for room_id, spaces in found.items()}

    async def _state(self, room_id: RoomId) -> tuple[bool, str | None, str | None]:
        """Whether a room is encrypted, its type and its name."""
        live = await self.cache.load(room_id)
        if live is None:
            return False, None, None
        state = live.timeline.state
        room_type = state.content("m.room.create").get("type")
        name = state.content("m.room.name").get("name")
        return (
            state.get("m.room.encryption") is not None,
            room_type if isinstance(room_type, str) else None,
            name if isinstance(name, str) else None,
        )
