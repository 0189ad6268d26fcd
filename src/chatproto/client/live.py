"""The events of all rooms from now on, each once, in the order of their room.

What a follower is told is a matter of places: in every room it has been told up to
some seq, and what comes next is what the state knows after that. Where the server has
left events out (a `limited` timeline, after a long time offline), they are paged in
first, while the rest of the room waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import trio

from chatproto.canonical import JsonObject
from chatproto.client.feed import Feed
from chatproto.client.transport import Disconnected
from chatproto.errors import MatrixError
from chatproto.ids import RoomId
from chatproto.sync.changes import Change, TimelineChanged
from chatproto.sync.room import Room
from chatproto.sync.store import ClientState

MAX_MISSED = 1_000  # events of a room that are paged in; beyond, the older are left out
PAGE = 100
# All that is missed in all rooms comes at once; a server replays up to 20,000.
KEPT = 50_000


class LiveEvents:
    """Follows `state` and tells its new events.

    `page` takes a page of a room's history into the state, from a token back.
    """

    def __init__(
        self,
        state: ClientState,
        page: Callable[[RoomId, str, int], Awaitable[None]],
    ) -> None:
        self.feed: Feed[JsonObject] = Feed(KEPT)
        self._state = state
        self._page = page
        self._told: dict[RoomId, int] = {}
        self._missing: dict[RoomId, None] = {}
        self._more = trio.Event()
        self._has_begun = False

    @property
    def is_behind(self) -> bool:
        """Whether there are events that have yet to be fetched and told."""
        return bool(self._missing)

    def begin(self) -> None:
        """What is known by now is no news."""
        self._has_begun = True
        rooms = self._state.rooms.items()
        self._told = {room_id: room.timeline.head for room_id, room in rooms}

    def follow(self) -> trio.MemoryReceiveChannel[JsonObject]:
        """What comes from now on, in client format with `room_id`."""
        if self._has_begun and not self.feed.is_followed:
            self.begin()
        return self.feed.follow()

    def heard(self, changes: Iterable[Change]) -> None:
        """The state has changed."""
        if not self._has_begun or not self.feed.is_followed:
            return
        for change in changes:
            if isinstance(change, TimelineChanged):
                self._room_changed(change)

    def _room_changed(self, change: TimelineChanged) -> None:
        room = self._state.rooms.get(change.room_id)
        if room is None or change.room_id in self._missing:
            return
        if self._first_known(room) > self._from(room) + 1:
            self._missing[change.room_id] = None
            self._more.set()
            return
        found = (room.timeline.event(event_id) for event_id in change.added)
        self._tell(room, [event for event in found if event is not None])

    async def run(self) -> None:
        """Page in what is missing, room after room."""
        while True:
            while self._missing:
                room_id = next(iter(self._missing))
                await self._fill(room_id)
                del self._missing[room_id]
                room = self._state.rooms.get(room_id)
                if room is not None:
                    self._tell(room, room.timeline.events())
            self._more = trio.Event()
            await self._more.wait()

    async def _fill(self, room_id: RoomId) -> None:
        taken = 0
        while taken < MAX_MISSED:
            room = self._state.rooms.get(room_id)
            if room is None:
                return
            first, after = self._first_known(room), self._from(room)
            if first <= after + 1:
                return
            try:
                await self._page(room_id, f"t{first - 1}", PAGE)
            except Disconnected:
                await trio.lowlevel.checkpoint()
                continue  # asked again over the next connection
            except MatrixError:
                return  # the room is closed to us now; what is known has to do
            taken += PAGE
            if self._first_known(room) >= first:
                return

    def _tell(self, room: Room, events: Iterable[JsonObject]) -> None:
        after = self._from(room)
        placed = {seq: event for event in events if (seq := _seq(event)) > after}
        for seq in sorted(placed):
            self.feed.tell({**placed[seq], "room_id": room.room_id})
        self._told[room.room_id] = max([after, room.timeline.head, *placed])

    def _from(self, room: Room) -> int:
        """Up to which place everything is told; nothing from before one came in."""
        return max(self._told.get(room.room_id, 0), room.joined_seq - 1)

    def _first_known(self, room: Room) -> int:
        """Where the stretch of history begins that reaches up to now."""
        head = room.timeline.head
        reaching = [low for low, high in room.timeline.ranges if high >= head]
        return min(reaching, default=head + 1)


def _seq(event: JsonObject) -> int:
    seq = event.get("unsigned", {}).get("org.chatproto.seq", 0)
    return seq if isinstance(seq, int) else 0
