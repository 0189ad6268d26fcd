"""Stored events as clients see them."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import SeenEvent
from chatproto.events.envelope import client_event
from chatproto.ports import Store


def seen_by_clients(
    event: SeenEvent,
    *,
    now_ms: int | None = None,
    redacts: JsonObject | None = None,
    because: JsonObject | None = None,
    membership: str | None = None,
) -> JsonObject:
    """The client format of an event, with its place in the room and the server.

    `now_ms` adds the event's age; `redacts` is the place of a redaction's target,
    `because` the event by which this one was redacted.
    """
    unsigned: JsonObject = {
        "org.chatproto.seq": event.seq,
        "org.chatproto.pos": event.pos,
    }
    if now_ms is not None:
        unsigned["age"] = max(0, now_ms - event.pdu.origin_server_ts)
    if redacts is not None:
        unsigned["org.chatproto.redacts"] = redacts
    if because is not None:
        unsigned["redacted_because"] = because
    if membership is not None:
        unsigned["membership"] = membership
    return client_event(event.pdu, unsigned)


def in_room(event: JsonObject) -> JsonObject:
    """Without the room's ID, as inside a room's section of a sync body."""
    return {key: value for key, value in event.items() if key != "room_id"}


@frozen
class Formats:
    """Formats stored events, looking up what they point at."""

    store: Store

    async def client_event(
        self,
        event: SeenEvent,
        *,
        now_ms: int | None = None,
    ) -> JsonObject:
        """An event as clients see it: a redaction with the place of its target, what
        was redacted with the redaction.
        """
        redacts: JsonObject | None = None
        because: JsonObject | None = None
        if event.redacted_by is not None:
            by = await self.store.event(event.pdu.room_id, event.redacted_by)
            because = seen_by_clients(by) if by else None
        target = event.pdu.redacts if event.pdu.type == "m.room.redaction" else None
        if target is not None:
            seen = await self.store.event(event.pdu.room_id, target)
            if seen is not None:
                mine = seen.redacted_by == event.pdu.event_id
                redacts = {"seq": seen.seq, "counts": seen.counts and mine}
        return seen_by_clients(event, now_ms=now_ms, redacts=redacts, because=because)

    async def client_events(self, events: Iterable[SeenEvent]) -> list[JsonObject]:
        """Events as clients see them."""
        return [await self.client_event(event) for event in events]
