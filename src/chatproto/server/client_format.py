"""Stored events as clients see them."""

from __future__ import annotations

from chatproto.canonical import JsonObject
from chatproto.decisions import SeenEvent
from chatproto.events.envelope import client_event


def seen_by_clients(
    event: SeenEvent,
    *,
    now_ms: int | None = None,
    redacts: JsonObject | None = None,
    membership: str | None = None,
) -> JsonObject:
    """The client format of an event, with its place in the room and the server.

    `now_ms` adds the event's age; `redacts` is the place of a redaction's target.
    """
    unsigned: JsonObject = {
        "org.chatproto.seq": event.seq,
        "org.chatproto.pos": event.pos,
    }
    if now_ms is not None:
        unsigned["age"] = max(0, now_ms - event.pdu.origin_server_ts)
    if redacts is not None:
        unsigned["org.chatproto.redacts"] = redacts
    if event.redacted_by is not None:
        unsigned["redacted_because"] = {
            "event_id": event.redacted_by,
            "type": "m.room.redaction",
        }
    if membership is not None:
        unsigned["membership"] = membership
    return client_event(event.pdu, unsigned)


def in_room(event: JsonObject) -> JsonObject:
    """Without the room's ID, as inside a room's section of a sync body."""
    return {key: value for key, value in event.items() if key != "room_id"}
