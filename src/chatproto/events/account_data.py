"""What is kept for one user, for all rooms or for one."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from chatproto.canonical import JsonObject, list_of
from chatproto.events.content import key
from chatproto.events.declare import EventKind, EventType


@frozen(kw_only=True)
class Direct:
    """Which rooms are direct chats, for each user."""

    rooms: Mapping[str, tuple[str, ...]]

    @classmethod
    def from_content(cls, content: JsonObject) -> Direct:
        return cls(rooms={user: _rooms(user, ids) for user, ids in content.items()})


def _rooms(user: str, ids: object) -> tuple[str, ...]:
    rooms = list_of(ids)
    if isinstance(ids, list) and all(isinstance(each, str) for each in rooms):
        return tuple(rooms)
    raise ValueError(f"expected a list of rooms for {user[:60]}")


@frozen(kw_only=True)
class TagContent:
    """One's tags on a room: m.favourite pins it, m.lowpriority archives it."""

    tags: JsonObject = field(factory=JsonObject)


@frozen(kw_only=True)
class FullyRead:
    """Where the line "new messages" is drawn."""

    event_id: str


@frozen(kw_only=True)
class IgnoredUsers:
    """Users whose messages are not shown: {user: {}}."""

    ignored_users: JsonObject = field(factory=JsonObject)


@frozen(kw_only=True)
class PushRules:
    """Which events notify, and how; `global` is the only scope there is."""

    global_: JsonObject = field(factory=JsonObject, metadata=key("global"))


@frozen(kw_only=True)
class MarkedUnread:
    """A room that was marked as unread by hand."""

    unread: bool = False


@frozen(kw_only=True)
class Muted:
    """A room that counts nothing."""

    muted: bool = False


EVENTS = (
    EventType("m.direct", EventKind.ACCOUNT_DATA, Direct),
    EventType("m.tag", EventKind.ACCOUNT_DATA, TagContent),
    EventType("m.fully_read", EventKind.ACCOUNT_DATA, FullyRead),
    EventType("m.ignored_user_list", EventKind.ACCOUNT_DATA, IgnoredUsers),
    EventType("m.push_rules", EventKind.ACCOUNT_DATA, PushRules),
    EventType("m.marked_unread", EventKind.ACCOUNT_DATA, MarkedUnread),
    EventType("org.chatproto.muted", EventKind.ACCOUNT_DATA, Muted),
)
