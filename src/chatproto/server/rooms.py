"""The rooms in memory, each with its newest state, stored or about to be."""

from __future__ import annotations

from collections import OrderedDict

import trio
from attrs import define, field

from chatproto.ids import RoomId
from chatproto.ports import Store
from chatproto.rooms.timeline import Timeline

MAX_IDLE_ROOMS = 2_000


@define(eq=False)
class LiveRoom:
    """`timeline` includes what is submitted and not yet committed: `pending` events."""

    timeline: Timeline
    committed_seq: int
    pending: int = 0


@define(eq=False)
class RoomCache:
    """Loads rooms on demand and forgets idle ones, the longest unused first."""

    store: Store
    max_idle: int = MAX_IDLE_ROOMS
    _rooms: OrderedDict[RoomId, LiveRoom] = field(factory=OrderedDict)
    _loading: dict[RoomId, trio.Event] = field(factory=dict)

    def cached(self, room_id: RoomId) -> LiveRoom | None:
        room = self._rooms.get(room_id)
        if room is not None:
            self._rooms.move_to_end(room_id)
        return room

    async def load(self, room_id: RoomId) -> LiveRoom | None:
        """The room, or None if there is none such. Loads it once for all who wait."""
        while (room := self.cached(room_id)) is None:
            loading = self._loading.get(room_id)
            if loading is not None:
                await loading.wait()
                continue
            if not await self._load(room_id):
                return None
        return room

    def put(self, room_id: RoomId, room: LiveRoom) -> None:
        self._rooms[room_id] = room
        self._evict()

    def clear(self) -> None:
        """After a failed commit nothing in memory is to be trusted."""
        self._rooms.clear()

    async def _load(self, room_id: RoomId) -> bool:
        done = self._loading[room_id] = trio.Event()
        try:
            timeline = await self.store.timeline(room_id)
            if timeline is None:
                return False
            if room_id not in self._rooms:
                self.put(room_id, LiveRoom(timeline, timeline.seq))
            return True
        finally:
            del self._loading[room_id]
            done.set()

    def _evict(self) -> None:
        excess = len(self._rooms) - self.max_idle
        if excess <= 0:
            return
        idle = (key for key, room in self._rooms.items() if room.pending == 0)
        for key in [key for key, _ in zip(idle, range(excess), strict=False)]:
            del self._rooms[key]
