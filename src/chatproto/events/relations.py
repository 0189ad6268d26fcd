"""How one event relates to another: edit, reply, thread, reaction; and mentions."""

from __future__ import annotations

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, UserId


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
    relates = content.get("m.relates_to")
    if not isinstance(relates, dict):
        return None
    reply = relates.get("m.in_reply_to")
    replied = _text(reply.get("event_id")) if isinstance(reply, dict) else None
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
    mentions = content.get("m.mentions")
    if not isinstance(mentions, dict):
        return (), False
    users = mentions.get("user_ids")
    named = [u for u in users if isinstance(u, str)] if isinstance(users, list) else []
    return tuple(map(UserId, dict.fromkeys(named))), mentions.get("room") is True


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
