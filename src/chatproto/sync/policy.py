"""Which events lift a chat, which count as unread, which highlight.

The text is docs/protocol/sync.md, "Which events lift and count".
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.events.declare import EventType
from chatproto.sync.fields import child, content_of, is_state, number, text, texts

MESSAGES = frozenset({"m.room.message", "m.room.encrypted", "m.sticker"})


@frozen(kw_only=True)
class Policy:
    """The declared types: `lifting` move a chat, `counting` are counted as unread."""

    lifting: frozenset[str] = MESSAGES
    counting: frozenset[str] = MESSAGES

    @classmethod
    def of(cls, event_types: Iterable[EventType]) -> Policy:
        """What a registry, or any event types, declare."""
        declared = tuple(event_types)
        return cls(
            lifting=frozenset(t.type for t in declared if t.bumps),
            counting=frozenset(t.type for t in declared if t.counts),
        )

    def lifts(self, event: JsonObject) -> bool:
        return (
            event.get("type") in self.lifting
            and not is_state(event)
            and not is_edit(event)
            and not is_redacted(event)
        )

    def counts(self, event: JsonObject) -> bool:
        return (
            event.get("type") in self.counting
            and content_of(event).get("msgtype") != "m.notice"
            and self.lifts(event)
        )


DEFAULT_POLICY = Policy()


def is_edit(event: JsonObject) -> bool:
    relates_to = child(content_of(event), "m.relates_to")
    return text(relates_to, "rel_type") == "m.replace"


def is_redacted(event: JsonObject) -> bool:
    """Whether the event came without its content, for that had been taken away."""
    return "redacted_because" in child(event, "unsigned")


def mentions(mentioned: JsonObject, user_id: str, *, may_call_room: bool) -> bool:
    """Whether an `m.mentions` means the user.

    `may_call_room` says whether its sender's mention of the whole room is heard.
    """
    if user_id in texts(mentioned, "user_ids"):
        return True
    return may_call_room and mentioned.get("room") is True


def may_call_room(levels: JsonObject | None, creator: str | None, sender: str) -> bool:
    """Whether a sender has the level for `notifications.room`.

    `levels` is the content of m.room.power_levels, None where the room has none.
    """
    if levels is None:
        return sender == creator
    level = number(child(levels, "users"), sender)
    if level is None:
        level = number(levels, "users_default") or 0
    needed = number(child(levels, "notifications"), "room")
    return level >= (50 if needed is None else needed)
