"""What is sent to one device, past every room."""

from __future__ import annotations

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.events.declare import EventKind, EventType


@frozen(kw_only=True)
class RoomKey:
    """The key of a session, sent encrypted from device to device."""

    algorithm: str
    room_id: str
    session_id: str
    session_key: str


@frozen(kw_only=True)
class RoomKeyRequest:
    """A request for the key of a session, or the end of one."""

    action: str
    request_id: str
    requesting_device_id: str
    body: JsonObject | None = None


EVENTS = (
    EventType("m.room_key", EventKind.TO_DEVICE, RoomKey),
    EventType("m.room_key_request", EventKind.TO_DEVICE, RoomKeyRequest),
)
