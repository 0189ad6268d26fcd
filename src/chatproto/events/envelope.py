"""Events as they travel: signed between servers, in client format to clients."""

from __future__ import annotations

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.errors import MatrixError
from chatproto.ids import EventId, RoomId, UserId


@frozen
class EventDraft:
    """What somebody wants to happen in a room, before it has its place."""

    type: str
    content: JsonObject
    sender: UserId
    state_key: str | None = None


@frozen(eq=False)
class Pdu:
    """A signed event; `json` is its original, without event ID and `unsigned`."""

    event_id: EventId
    room_id: RoomId
    sender: UserId
    type: str
    state_key: str | None
    content: JsonObject
    origin_server_ts: int
    depth: int
    prev_events: tuple[EventId, ...]
    auth_events: tuple[EventId, ...]
    json: JsonObject

    @classmethod
    def from_json(cls, json: JsonObject, event_id: EventId) -> Pdu:
        """Raises MatrixError M_BAD_JSON if a field is missing."""
        try:
            return cls(
                event_id,
                json["room_id"],
                json["sender"],
                json["type"],
                json.get("state_key"),
                json["content"],
                json["origin_server_ts"],
                json["depth"],
                tuple(json["prev_events"]),
                tuple(json["auth_events"]),
                json,
            )
        except KeyError as error:
            raise MatrixError("M_BAD_JSON", f"an event lacks {error}") from None

    @property
    def is_state(self) -> bool:
        return self.state_key is not None

    @property
    def redacts(self) -> EventId | None:
        """What a redaction redacts; in the content from version 11 on."""
        target = self.content.get("redacts", self.json.get("redacts"))
        return EventId(target) if isinstance(target, str) else None


def client_event(pdu: Pdu, unsigned: JsonObject | None = None) -> JsonObject:
    """The event in client format; old and new clients find `redacts` where they look."""
    event: JsonObject = {
        "content": pdu.content,
        "event_id": pdu.event_id,
        "origin_server_ts": pdu.origin_server_ts,
        "room_id": pdu.room_id,
        "sender": pdu.sender,
        "type": pdu.type,
    }
    if pdu.state_key is not None:
        event["state_key"] = pdu.state_key
    if pdu.type == "m.room.redaction" and pdu.redacts is not None:
        event["redacts"] = pdu.redacts
        event["content"] = {**pdu.content, "redacts": pdu.redacts}
    if unsigned is not None:
        event["unsigned"] = unsigned
    return event


def stripped(pdu: Pdu) -> JsonObject:
    """What may be shown of a piece of state to somebody outside the room."""
    return {
        "content": pdu.content,
        "sender": pdu.sender,
        "state_key": pdu.state_key,
        "type": pdu.type,
    }
