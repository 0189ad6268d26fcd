"""What is kept for one user, and what is sent to one device."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.events.declare import EventKind, EventType


@frozen(kw_only=True)
class Direct:
    """Which rooms are direct chats: {user: [room, ...]}; the users are the keys."""


@frozen(kw_only=True)
class TagContent:
    """One's tags on a room: m.favourite pins it, m.lowpriority archives it."""

    tags: JsonObject = field(factory=dict)


@frozen(kw_only=True)
class FullyRead:
    """Where the line "new messages" is drawn."""

    event_id: str


@frozen(kw_only=True)
class IgnoredUsers:
    """Users whose messages are not shown: {user: {}}."""

    ignored_users: JsonObject = field(factory=dict)


@frozen(kw_only=True)
class MarkedUnread:
    """A room that was marked as unread by hand."""

    unread: bool = False


@frozen(kw_only=True)
class Muted:
    """A room that counts nothing."""

    muted: bool = False


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
    EventType("m.direct", EventKind.ACCOUNT_DATA, Direct),
    EventType("m.tag", EventKind.ACCOUNT_DATA, TagContent),
    EventType("m.fully_read", EventKind.ACCOUNT_DATA, FullyRead),
    EventType("m.ignored_user_list", EventKind.ACCOUNT_DATA, IgnoredUsers),
    EventType("m.marked_unread", EventKind.ACCOUNT_DATA, MarkedUnread),
    EventType("org.chatproto.muted", EventKind.ACCOUNT_DATA, Muted),
    EventType("m.room_key", EventKind.TO_DEVICE, RoomKey),
    EventType("m.room_key_request", EventKind.TO_DEVICE, RoomKeyRequest),
)
