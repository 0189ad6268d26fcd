"""A user's push rules, as far as they say what counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.rooms.default_push_rules import default_rules
from chatproto.rooms.push_rules import RuleSet
from chatproto.sync.fields import child
from chatproto.sync.policy import Policy

PUSH_RULES = "m.push_rules"
IGNORED = "m.ignored_user_list"


@frozen
class OwnRules:
    """Rules that a user has changed: which rooms are muted, and, where they count
    differently from everybody's, what is `heard`.
    """

    rules: RuleSet
    heard: RuleSet | None
    ignored: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, account_data: Mapping[str, JsonObject], user_id: str, policy: Policy
    ) -> Self:
        """By m.push_rules, which has the server's own rules as well, and by whom the
        user ignores.
        """
        common = default_rules(user_id, policy.counting)
        rules = common
        if PUSH_RULES in account_data:
            rules = RuleSet.from_json(child(account_data[PUSH_RULES], "global"))
        ignored = frozenset(child(account_data.get(IGNORED, {}), "ignored_users"))
        alike = rules.counts_like(common) and not ignored
        return cls(rules, None if alike else rules.heard(), ignored)

    def mutes(self, room_id: str) -> bool:
        return self.rules.mutes(room_id)
