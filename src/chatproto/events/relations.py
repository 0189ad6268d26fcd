"""How one event relates to another: edit, reply, thread, reaction; and mentions."""

from __future__ import annotations

from attrs import frozen

from chatproto.canonical import JsonObject, list_of, object_of
from chatproto.ids import EventId, UserId


@frozen(kw_only=True)
class Forwarded:
    """Where a forwarded message comes from; the room only if anybody may know it."""

    sender: str
    origin_server_ts: int
    event_id: str | None = None
    room_id: str | None = None


@frozen(kw_only=True)
class Relation:
    """`rel_type` is m.replace, m.annotation, m.thread or another; None for a reply."""

    rel_type: str | None = None
    event_id: EventId | None = None
    key: str | None = None
    in_reply_to: EventId | None = None
    is_falling_back: bool = False


def relation_of(content: JsonObject) -> Relation | None:
    """The relation of an event, as far as it is well-formed."""
    relates = object_of(content.get("m.relates_to"))
    replied = _text(object_of(relates.get("m.in_reply_to")).get("event_id"))
    rel_type, event_id = _text(relates.get("rel_type")), _text(relates.get("event_id"))
    if rel_type is None and replied is None:
        return None
    return Relation(
        rel_type=rel_type,
        event_id=None if event_id is None else EventId(event_id),
        key=_text(relates.get("key")),
        in_reply_to=None if replied is None else EventId(replied),
        is_falling_back=relates.get("is_falling_back") is True,
    )


def mentions_of(content: JsonObject) -> tuple[tuple[UserId, ...], bool]:
    """Whom a message mentions, and whether it mentions the whole room."""
    mentions = object_of(content.get("m.mentions"))
    named = [u for u in list_of(mentions.get("user_ids")) if isinstance(u, str)]
    return tuple(map(UserId, dict.fromkeys(named))), mentions.get("room") is True


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
