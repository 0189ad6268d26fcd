"""Events as they travel: signed between servers, in client format to clients."""

from __future__ import annotations

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.errors import MatrixError
from chatproto.ids import EventId, RoomId, UserId

# Specification, "Room event format" of servers: how many events another may name.
MAX_PREV_EVENTS = 20
MAX_AUTH_EVENTS = 10

_FIELDS = (
    ("room_id", str),
    ("sender", str),
    ("type", str),
    ("content", dict),
    ("origin_server_ts", int),
    ("depth", int),
    ("prev_events", list),
    ("auth_events", list),
)


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
        """Raises MatrixError M_BAD_JSON if a field is missing or of a wrong type."""
        for name, kind in _FIELDS:
            if type(json.get(name)) is not kind:
                raise MatrixError(
                    "M_BAD_JSON", f"an event has {name} ({kind.__name__})"
                )
        return cls(
            event_id,
            json["room_id"],
            json["sender"],
            json["type"],
            _state_key(json),
            json["content"],
            json["origin_server_ts"],
            json["depth"],
            _event_ids(json, "prev_events", MAX_PREV_EVENTS),
            _event_ids(json, "auth_events", MAX_AUTH_EVENTS),
            json,
        )

    @property
    def is_state(self) -> bool:
        return self.state_key is not None

    @property
    def redacts(self) -> EventId | None:
        """What a redaction redacts; in the content from version 11 on."""
        if self.type != "m.room.redaction":
            return None
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
    redacts = pdu.redacts
    if redacts is not None:
        event["redacts"] = redacts
        event["content"] = {**pdu.content, "redacts": redacts}
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


def _state_key(json: JsonObject) -> str | None:
    if "state_key" not in json:
        return None
    state_key = json["state_key"]
    if isinstance(state_key, str):
        return state_key
    raise MatrixError("M_BAD_JSON", "the state_key of an event is a string")


def _event_ids(json: JsonObject, name: str, most: int) -> tuple[EventId, ...]:
    ids = json[name]
    if len(ids) > most or not all(type(each) is str for each in ids):
        raise MatrixError("M_BAD_JSON", f"{name} names at most {most} events")
    return tuple(ids)
