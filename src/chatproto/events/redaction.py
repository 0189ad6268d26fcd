"""What a redaction leaves of an event (specification, "Redactions" of each version)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from chatproto.canonical import JsonObject, object_of
from chatproto.errors import MatrixError
from chatproto.events.declare import EventKind, EventType


@frozen
class RedactionRules:
    """The keys that stay: at the top, and in the content of some types.

    `None` for a type keeps its whole content; a key with a dot keeps a part of a part.
    """

    top: frozenset[str]
    content: Mapping[str, frozenset[str] | None]


def redact(json: JsonObject, rules: RedactionRules) -> JsonObject:
    """The redacted copy of an event.

    Raises MatrixError M_BAD_JSON if its type or content is not what an event has.
    """
    redacted = {key: value for key, value in json.items() if key in rules.top}
    redacted["content"] = _kept_content(json, rules)
    return redacted


def _kept_content(json: JsonObject, rules: RedactionRules) -> JsonObject:
    content, event_type = object_of(json.get("content")), json.get("type")
    if content is not json.get("content") or not isinstance(event_type, str):
        raise MatrixError("M_BAD_JSON", "an event has a type and an object as content")
    kept = rules.content.get(event_type, _NOTHING)
    if kept is None:
        return dict(content)
    result = {key: value for key, value in content.items() if key in kept}
    for path in kept:
        outer, dot, inner = path.partition(".")
        part = object_of(content.get(outer)) if dot else {}
        if inner in part:
            result[outer] = {inner: part[inner]}
    return result


@frozen(kw_only=True)
class Redaction:
    """Takes the content of an event away."""

    redacts: str | None = None
    reason: str | None = None


_NOTHING: frozenset[str] = frozenset()
_TOP_V11 = frozenset(
    (
        "event_id",
        "type",
        "room_id",
        "sender",
        "state_key",
        "content",
        "hashes",
        "signatures",
        "depth",
        "prev_events",
        "auth_events",
        "origin_server_ts",
    ),
)
_LEVELS = (
    "ban",
    "events",
    "events_default",
    "kick",
    "redact",
    "state_default",
    "users",
    "users_default",
)

RULES_V10 = RedactionRules(
    top=_TOP_V11 | {"prev_state", "origin", "membership"},
    content=MappingProxyType(
        {
            "m.room.member": frozenset(
                ("membership", "join_authorised_via_users_server")
            ),
            "m.room.create": frozenset(("creator",)),
            "m.room.join_rules": frozenset(("join_rule", "allow")),
            "m.room.power_levels": frozenset(_LEVELS),
            "m.room.history_visibility": frozenset(("history_visibility",)),
        }
    ),
)
RULES_V11 = RedactionRules(
    top=_TOP_V11,
    content=MappingProxyType(
        {
            "m.room.member": frozenset(
                (
                    "membership",
                    "join_authorised_via_users_server",
                    "third_party_invite.signed",
                ),
            ),
            "m.room.create": None,
            "m.room.join_rules": frozenset(("join_rule", "allow")),
            "m.room.power_levels": frozenset((*_LEVELS, "invite")),
            "m.room.history_visibility": frozenset(("history_visibility",)),
            "m.room.redaction": frozenset(("redacts",)),
        }
    ),
)

EVENTS = (EventType("m.room.redaction", EventKind.MESSAGE, Redaction),)
