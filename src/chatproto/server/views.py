"""What a decision sees, read for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define

from chatproto.decisions import Caller, Needs, SeenEvent, View
from chatproto.events.registry import Registry
from chatproto.ids import EventId, RoomId, ServerName, UserId
from chatproto.ports import Clock, Store
from chatproto.rooms.timeline import Timeline
from chatproto.server.rooms import RoomCache


@define(eq=False)
class Views:
    """Reads views. Nothing may be awaited between a view and what is decided by it."""

    server: ServerName
    store: Store
    cache: RoomCache
    clock: Clock
    registry: Registry
    random: Callable[[int], bytes]

    async def view(self, caller: Caller, needs: Needs, prepared: Any) -> View:
        for room_id in needs.rooms:
            await self.cache.load(room_id)
        events: dict[EventId, SeenEvent] = {}
        for room_id, event_id in needs.events:
            event = await self.store.event(room_id, event_id)
            if event is not None:
                events[event_id] = event
        joined = {user_id: await self._joined(user_id) for user_id in needs.joined}
        rows = {name: await self.store.find(f) for name, f in needs.rows.items()}
        # The rooms last: as they are now, whatever happened while the rest was read.
        rooms: dict[RoomId, Timeline] = {}
        for room_id in needs.rooms:
            live = self.cache.cached(room_id) or await self.cache.load(room_id)
            if live is not None:
                rooms[room_id] = live.timeline
        return View(
            caller=caller,
            server=self.server,
            now_ms=self.clock.now_ms(),
            registry=self.registry,
            rooms=rooms,
            events=events,
            rows=rows,
            joined=joined,
            prepared=prepared,
            random=self.random,
        )

    async def _joined(self, user_id: UserId) -> tuple[RoomId, ...]:
        members = await self.store.memberships(user_id)
        return tuple(m.room_id for m in members if m.membership == "join")
