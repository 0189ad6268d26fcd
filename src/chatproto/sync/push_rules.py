"""A user's push rules, as far as they say what counts."""

from __future__ import annotations

from typing import Self

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.rooms.default_push_rules import default_rules
from chatproto.rooms.push_rules import RuleSet
from chatproto.sync.fields import child
from chatproto.sync.policy import Policy

PUSH_RULES = "m.push_rules"


@frozen
class OwnRules:
    """Rules that a user has changed: which rooms are muted, and, where they count
    differently from everybody's, what is `heard`.
    """

    rules: RuleSet
    heard: RuleSet | None

    @classmethod
    def of(cls, content: JsonObject, user_id: str, policy: Policy) -> Self:
        """By the content of m.push_rules, which has the server's own rules as well."""
        rules = RuleSet.from_json(child(content, "global"))
        common = default_rules(user_id, policy.counting)
        return cls(rules, None if rules.counts_like(common) else rules.heard())

    def mutes(self, room_id: str) -> bool:
        return self.rules.mutes(room_id)
