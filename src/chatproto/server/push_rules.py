"""A user's push rules: what is stored, on top of what everybody has."""

from __future__ import annotations

from chatproto.canonical import JsonObject, object_of
from chatproto.events.registry import Registry
from chatproto.ids import UserId
from chatproto.rooms.default_push_rules import default_rules
from chatproto.rooms.push_rules import RuleSet

PUSH_RULES = "m.push_rules"
IGNORED = "m.ignored_user_list"
# Account data by which counts differ: where it changes, all are told anew.
RECOUNTING = (PUSH_RULES, IGNORED)


def rules_of(
    user_id: UserId, content: JsonObject | None, registry: Registry
) -> RuleSet:
    """The rules by the content of m.push_rules, None where nothing was ever changed."""
    defaults = default_rules(user_id, registry.counting)
    if content is None:
        return defaults
    return RuleSet.from_json(object_of(content.get("global"))).over(defaults)


def ignored_in(content: JsonObject | None) -> frozenset[UserId]:
    """Whom a user does not want to hear, by the content of m.ignored_user_list."""
    return frozenset(map(UserId, object_of((content or {}).get("ignored_users"))))


def content_of(rules: RuleSet) -> JsonObject:
    return {"global": rules.to_json()}
