"""The state of rooms, as far as a client wants it and lacks it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import SeenEvent
from chatproto.ids import RoomId, UserId
from chatproto.ports import Store
from chatproto.rooms.state import RoomState
from chatproto.server.client_format import Formats, in_room
from chatproto.server.rooms import RoomCache
from chatproto.server.sliding.plan import Plan
from chatproto.server.sliding.timelines import Sent

_MEMBER = "m.room.member"


@frozen
class Required:
    """State that is sent; `members` are those of whom it is because they spoke."""

    events: list[JsonObject]
    members: frozenset[UserId]


@define(eq=False)
class RequiredStates:
    """Reads what is sent of a room's state."""

    store: Store
    cache: RoomCache
    formats: Formats

    async def at(self, room_id: RoomId, through: int) -> RoomState:
        """The state after event `through`, which may not be the newest."""
        live = await self.cache.load(room_id)
        if live is not None and live.timeline.seq == through:
            return live.timeline.state
        found = await self.store.state_at(room_id, through)
        return RoomState.of(event.pdu for event in found)

    async def read(
        self, room_id: RoomId, todo: Plan, state: RoomState, sent: Sent
    ) -> Required:
        """What a plan sends of a room's state, which is `state` by now."""
        wanted = todo.wanted.state
        found: list[SeenEvent] = []
        if not todo.initial and todo.through > todo.start:
            found += await self._changed(room_id, todo, sent)
        if todo.wants_more_state:
            found += await self._newly(room_id, todo, state)
        users: frozenset[UserId] = frozenset()
        if wanted.lazy_members:
            users = _speaking(sent.events) - todo.has_members(sent.cut)
            found += await self.store.members_at(room_id, users, todo.through)
        by_seq = {event.seq: event for event in found}
        events = [by_seq[seq] for seq in sorted(by_seq)]
        formatted = map(in_room, await self.formats.client_events(events))
        return Required(list(formatted), users)

    async def _changed(
        self, room_id: RoomId, todo: Plan, sent: Sent
    ) -> list[SeenEvent]:
        """The state that changed; without a gap all members that changed, too."""
        wanted = todo.wanted.state
        follows = wanted.lazy_members and not sent.cut.has_gap
        return [
            event
            for event in await self.store.state_between(
                room_id, todo.start, todo.through
            )
            if (follows and event.pdu.type == _MEMBER)
            or wanted.matches(event.pdu.type, event.pdu.state_key or "")
        ]

    async def _newly(
        self, room_id: RoomId, todo: Plan, state: RoomState
    ) -> Sequence[SeenEvent]:
        """The state that the client has not been sent because it did not want it."""
        exact = todo.wanted.state.exact
        if exact is None:
            return [
                event
                for event in await self.store.state_at(room_id, todo.through)
                if todo.newly_wants(event.pdu.type, event.pdu.state_key or "")
            ]
        pdus = [state.get(*pair) for pair in exact if todo.newly_wants(*pair)]
        found = [
            await self.store.event(room_id, pdu.event_id)
            for pdu in pdus
            if pdu is not None
        ]
        return [event for event in found if event is not None]


def _speaking(events: Sequence[SeenEvent]) -> frozenset[UserId]:
    """Who sent events, and whom they made members or not."""
    users = {event.pdu.sender for event in events}
    return frozenset(users).union(
        UserId(event.pdu.state_key or "")
        for event in events
        if event.pdu.type == _MEMBER
    )
