"""All that a client knows, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, TxnId, UserId
from chatproto.sync import chat_list
from chatproto.sync.changes import Change, ListOrder, OutboxChanged, UnreadChanged
from chatproto.sync.fields import text, texts
from chatproto.sync.items import TimelineItem
from chatproto.sync.outbox import Outbox
from chatproto.sync.policy import DEFAULT_POLICY, Policy
from chatproto.sync.presence import Presence
from chatproto.sync.push_rules import OwnRules
from chatproto.sync.reducers import Reducer
from chatproto.sync.room import Room


@define(eq=False, kw_only=True)
class Known:
    """What one user's client knows.

    `policy` says which types of events lift and count; modules add theirs, and their
    `reducers`. `lazy_members` is to be true if the server was asked to leave members
    out, so that numbers and names come from its summaries. `position` is from where to
    resume. Rooms by ID are in `rooms`, those left included until they are forgotten.
    """

    user_id: UserId
    policy: Policy = DEFAULT_POLICY
    reducers: tuple[Reducer, ...] = ()
    lazy_members: bool = False
    position: str | None = None
    rooms: dict[RoomId, Room] = field(factory=dict)
    account_data: dict[str, JsonObject] = field(factory=dict)
    presence: dict[UserId, Presence] = field(factory=dict)
    one_time_key_counts: JsonObject = field(factory=dict)
    fallback_key_types: tuple[str, ...] = ()
    outbox: Outbox = field(factory=Outbox)
    drafts: dict[RoomId, JsonObject] = field(factory=dict)
    _rules: OwnRules | None = None
    _order: list[RoomId] = field(factory=list)
    _told: dict[RoomId, tuple[int, int]] = field(factory=dict)

    def chat_list(self, show: str = "all") -> list[RoomId]:
        """The rooms in the order of the list, through a filter of `chat_list.FILTERS`.

        Pinned rooms are in it at their place; `pinned` has them by themselves.
        """
        direct = self.direct_rooms()
        rooms = self.rooms
        return [r for r in self._order if chat_list.chosen(rooms[r], show, direct)]

    def pinned(self) -> list[RoomId]:
        """The pinned rooms, in the order of the list."""
        return [r for r in self._order if self.rooms[r].is_pinned]

    def direct_rooms(self) -> frozenset[RoomId]:
        """The rooms that are chats between two, by the user's account data."""
        direct = self.account_data.get("m.direct", {})
        return frozenset(RoomId(r) for user in direct for r in texts(direct, user))

    def items(
        self, room_id: RoomId, *, thread: EventId | None = None
    ) -> tuple[TimelineItem, ...]:
        """The rows of a room, with what is on its way at the end."""
        return self.rooms[room_id].items(self.outbox.entries(room_id), thread=thread)

    def totals(self) -> tuple[int, int]:
        """Notifications and highlights of all rooms together."""
        counts = [room.counts() for room in self.rooms.values()]
        return sum(c[0] for c in counts), sum(c[1] for c in counts)

    def picture(self) -> JsonObject:
        """All that is known, as JSON, without times of this client's clock."""
        presence = sorted(self.presence.items())
        return {
            "user_id": self.user_id,
            "list": list(self._order),
            "rooms": {r: room.picture() for r, room in sorted(self.rooms.items())},
            "account_data": dict(sorted(self.account_data.items())),
            "presence": {user_id: p.picture() for user_id, p in presence},
            "outbox": self.outbox.to_json(),
            "drafts": dict(sorted(self.drafts.items())),
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Known):
            return NotImplemented
        return self.picture() == other.picture()

    __hash__ = None  # type: ignore[assignment]  # it changes in place

    # what follows from it

    def new_room(self, room_id: RoomId, membership: str) -> Room:
        """Start a room anew, with nothing known of it."""
        self.rooms[room_id] = room = Room(
            room_id=room_id,
            own=self.user_id,
            membership=membership,
            policy=self.policy,
            reducers=self.reducers,
            rules=self._rules,
            summary={} if self.lazy_members else None,
        )
        return room

    def take_rules(self) -> list[Change]:
        """Judge by the account data as they are now; tell of rooms that are muted now, or
        are not any more. What has been counted before, the server tells anew.
        """
        self._rules = OwnRules.of(self.account_data, self.user_id, self.policy)
        changes: list[Change] = []
        for room in self.rooms.values():
            room.rules = self._rules
            changes += self.settled(room)
        return changes

    def room_of(self, item: JsonObject) -> Room | None:
        """The room that an item names."""
        return self.rooms.get(RoomId(text(item, "room_id") or ""))

    def settled(self, room: Room, new: Iterable[JsonObject] = ()) -> list[Change]:
        """Tell of counts that differ now, and of outbox entries that are done."""
        changes: list[Change] = []
        counts = room.counts()
        if counts != self._told.get(room.room_id, (0, 0)):
            changes.append(UnreadChanged(room.room_id, *counts))
        self._told[room.room_id] = counts
        if len(self.outbox):
            changes += self._confirmed(room, new)
        return changes

    def reordered(self) -> list[Change]:
        """Order the list anew; tell if it differs."""
        order = chat_list.order(self.rooms.values())
        if order == self._order:
            return []
        self._order = order
        return [ListOrder()]

    def _confirmed(self, room: Room, new: Iterable[JsonObject]) -> list[Change]:
        done: list[TxnId] = []
        for event in new:
            if event.get("sender") == self.user_id:
                done += self.outbox.arrived(room.room_id, event)
        done += self.outbox.passed(room.room_id, room.timeline.head)
        return [OutboxChanged(room.room_id, txn_id) for txn_id in done]
