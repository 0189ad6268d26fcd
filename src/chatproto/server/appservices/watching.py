"""Which of the events stored an application service is to be told of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define, field

from chatproto.decisions import Find
from chatproto.ids import RoomId, UserId
from chatproto.ports import EventHead, Store
from chatproto.server.appservices.interest import (
    Standing,
    is_aimed,
    is_called,
    is_watched,
    moved_since,
)
from chatproto.server.appservices.overheard import Overheard
from chatproto.server.appservices.services import Claims

MAX_ROOMS = 20_000


@define(eq=False)
class Watch:
    """Picks what one service is told of; remembers which of its users are in a room.

    Events have to come in the order in which they were stored.
    """

    claims: Claims
    store: Store
    _standings: dict[RoomId, Sequence[Standing]] = field(factory=dict)
    _called: dict[RoomId, bool] = field(factory=dict)

    async def pick(self, heads: Sequence[EventHead]) -> list[EventHead]:
        """Those of interest."""
        for head in heads:
            is_member = head.type == "m.room.member"
            if is_member and self.claims.has_user(head.state_key or ""):
                self._standings.pop(head.room_id, None)
        self._called.clear()
        return [head for head in heads if await self._concerns(head)]

    async def hears(self, overheard: Iterable[Overheard]) -> list[Overheard]:
        """Those of interest, as its users stand now."""
        self._called.clear()
        return [one for one in overheard if await self._hears(one)]

    async def _hears(self, one: Overheard) -> bool:
        is_own = one.user_id is not None and self.claims.has_user(one.user_id)
        if is_own or one.is_private:
            return is_own
        for room_id in one.rooms:
            standings = await self._standings_in(room_id)
            if self.claims.has_room(room_id) or any(s.is_joined for s in standings):
                return True
            if await self._is_called(room_id):
                return True
        return False

    async def _concerns(self, head: EventHead) -> bool:
        if is_aimed(self.claims, head):
            return True
        standings = await self._standings_in(head.room_id)
        if is_watched(standings, head.seq) or await self._is_called(head.room_id):
            return True
        moved = moved_since(standings, head.seq)
        return bool(moved) and await self._was_watched(head, moved)

    async def _was_watched(self, head: EventHead, moved: Sequence[UserId]) -> bool:
        members = await self.store.members_at(head.room_id, moved, head.seq)
        return any(m.pdu.content.get("membership") == "join" for m in members)

    async def _standings_in(self, room_id: RoomId) -> Sequence[Standing]:
        known = self._standings.get(room_id)
        if known is None:
            find = Find(table="memberships", where={"room_id": room_id})
            known = [
                Standing(m["user_id"], m["membership"] == "join", m["changed_seq"])
                for m in await self.store.find(find)
                if self.claims.has_user(m["user_id"])
            ]
            if len(self._standings) >= MAX_ROOMS:
                self._standings.clear()
            self._standings[room_id] = known
        return known

    async def _is_called(self, room_id: RoomId) -> bool:
        if not self.claims.registration.aliases:
            return False
        known = self._called.get(room_id)
        if known is None:
            rows = await self.store.find(
                Find(table="aliases", where={"room_id": room_id})
            )
            known = is_called(self.claims, [row["alias"] for row in rows])
            self._called[room_id] = known
        return known
