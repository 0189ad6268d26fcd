"""A page of a room's events as one device sees them.

Beside the events themselves, Matrix clients look in `unsigned` for what the server has
gathered: the newest edit, a thread's newest answer, what a state event replaced, and
which of one's own calls an event came from (specification, "Aggregations of child
events", "Transaction identifiers", and the `UnsignedData` of events).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import SeenEvent
from chatproto.events.relations import relation_of
from chatproto.ids import DeviceId, EventId, RoomId, UserId
from chatproto.ports import Related, Store
from chatproto.server.client_format import Formats, in_room
from chatproto.server.filters import ALL, EventFilter, SyncFilter


@frozen(kw_only=True)
class Viewer:
    """Who looks, and up to which event of the room they see what relates to others.

    `members` are their member events, by which each event says what they were then.
    """

    user_id: UserId
    device_id: DeviceId | None
    now_ms: int
    through: int
    members: Sequence[SeenEvent] = ()

    def membership(self, seq: int) -> str:
        index = bisect_right(self.members, seq, key=lambda event: event.seq) - 1
        if index < 0:
            return "leave"
        return str(self.members[index].pdu.content.get("membership", "leave"))


@define
class _Gathered:
    """What was found for the events of one page."""

    related: dict[EventId, list[Related]] = field(factory=lambda: defaultdict(list))
    newest: dict[int, JsonObject] = field(factory=dict)  # by seq
    replaced: dict[int, SeenEvent] = field(factory=dict)  # by the seq of the newer


@frozen
class Pages:
    """Formats pages of events for Matrix clients."""

    store: Store
    formats: Formats

    async def client_events(
        self,
        room_id: RoomId,
        events: Sequence[SeenEvent],
        viewer: Viewer,
    ) -> list[JsonObject]:
        """Events of one room as the viewer sees them."""
        if not events:
            return []
        gathered = await self._gather(room_id, events, viewer)
        return [await self._event(event, gathered, viewer) for event in events]

    async def timeline(
        self,
        room_id: RoomId,
        events: Sequence[SeenEvent],
        viewer: Viewer,
        want: SyncFilter,
    ) -> list[JsonObject]:
        """The events of a timeline in a sync body, as far as its filter lets them."""
        events = await self.passing(room_id, heard(events, want.ignored), want.timeline)
        if want.bundles:
            formatted = await self.client_events(room_id, events, viewer)
        else:
            formatted = await self.formats.client_events(events)
        return [want.trimmed(in_room(event)) for event in formatted]

    async def passing(
        self,
        room_id: RoomId,
        events: Sequence[SeenEvent],
        wanted: EventFilter,
    ) -> Sequence[SeenEvent]:
        """The events that a filter lets pass."""
        if wanted is ALL:
            return events
        if not wanted.passes_room(room_id):
            return ()
        passed = [event for event in events if wanted.passes(event.pdu.json)]
        if not wanted.by_relation:
            return passed
        ids = [event.pdu.event_id for event in passed]
        relating = await self.store.relating(room_id, ids)
        return [
            event
            for event in passed
            if wanted.passes_relations(relating.get(event.pdu.event_id, ()))
        ]

    async def _gather(
        self,
        room_id: RoomId,
        events: Sequence[SeenEvent],
        viewer: Viewer,
    ) -> _Gathered:
        gathered = _Gathered()
        targets = [e.pdu.event_id for e in events if not _is_edit(e)]
        for row in await self.store.related(
            room_id, targets, viewer.user_id, through=viewer.through
        ):
            gathered.related[row.event_id].append(row)
        states = [e.seq for e in events if e.pdu.is_state]
        if states:
            gathered.replaced = dict(await self.store.replaced(room_id, states))
        await self._newest(room_id, gathered, viewer)
        return gathered

    async def _newest(
        self, room_id: RoomId, gathered: _Gathered, viewer: Viewer
    ) -> None:
        """The newest edits and answers, the answers with their own edits."""
        rows = [row for rows in gathered.related.values() for row in rows]
        edits = [row.newest for row in rows if row.rel_type == "m.replace"]
        answers = [row.newest for row in rows if row.rel_type == "m.thread"]
        if edits:
            for event in await self.store.events_at(room_id, edits):
                gathered.newest[event.seq] = await self._event(
                    event, _Gathered(), viewer
                )
        if answers:
            found = await self.store.events_at(room_id, answers)
            formatted = await self.client_events(room_id, found, viewer)
            gathered.newest |= {
                event.seq: json for event, json in zip(found, formatted, strict=True)
            }

    async def _event(
        self, event: SeenEvent, gathered: _Gathered, viewer: Viewer
    ) -> JsonObject:
        json = await self.formats.client_event(event, now_ms=viewer.now_ms)
        unsigned: JsonObject = json["unsigned"]
        unsigned["membership"] = viewer.membership(event.seq)
        if (
            event.txn_id is not None
            and event.device_id == viewer.device_id
            and event.pdu.sender == viewer.user_id
        ):
            unsigned["transaction_id"] = event.txn_id
        old = gathered.replaced.get(event.seq)
        if old is not None:
            unsigned["prev_content"] = old.pdu.content
            unsigned["prev_sender"] = old.pdu.sender
            unsigned["replaces_state"] = old.pdu.event_id
        relations = _relations(event, gathered, viewer)
        if relations:
            unsigned["m.relations"] = relations
        return json


def heard(
    events: Sequence[SeenEvent], ignored: Collection[UserId]
) -> Sequence[SeenEvent]:
    """Events without the messages of who is ignored; state is everybody's."""
    if not ignored:
        return events
    return [e for e in events if e.pdu.is_state or e.pdu.sender not in ignored]


def _relations(event: SeenEvent, gathered: _Gathered, viewer: Viewer) -> JsonObject:
    relations: JsonObject = {}
    for row in gathered.related.get(event.pdu.event_id, ()):
        newest = gathered.newest.get(row.newest)
        if row.rel_type == "m.reference":
            chunk = [{"event_id": event_id} for event_id in row.event_ids]
            relations["m.reference"] = {"chunk": chunk}
        elif newest is None:
            continue
        elif row.rel_type == "m.thread":
            relations["m.thread"] = {
                "latest_event": newest,
                "count": row.count,
                "current_user_participated": row.has_own
                or event.pdu.sender == viewer.user_id,
            }
        elif event.redacted_by is None:
            relations["m.replace"] = newest
    return relations


def _is_edit(event: SeenEvent) -> bool:
    relation = relation_of(event.pdu.content)
    return relation is not None and relation.rel_type == "m.replace"
