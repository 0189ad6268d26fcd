"""A user's push rules: what is stored, on top of what everybody has."""

from __future__ import annotations

from chatproto.canonical import JsonObject, object_of
from chatproto.events.registry import Registry
from chatproto.ids import UserId
from chatproto.rooms.default_push_rules import default_rules
from chatproto.rooms.push_rules import RuleSet

PUSH_RULES = "m.push_rules"


def rules_of(
    user_id: UserId, content: JsonObject | None, registry: Registry
) -> RuleSet:
    """The rules by the content of m.push_rules, None where nothing was ever changed."""
    defaults = default_rules(user_id, registry.counting)
    if content is None:
        return defaults
    return RuleSet.from_json(object_of(content.get("global"))).over(defaults)


def content_of(rules: RuleSet) -> JsonObject:
    return {"global": rules.to_json()}
