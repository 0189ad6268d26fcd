"""Push rules: which events notify a user, and how loudly.

Source: Matrix Client-Server API, "Push Notifications", "Push Rules".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Self

from attrs import evolve, field, frozen

from chatproto.canonical import JsonObject, list_of, object_of
from chatproto.rooms.push_conditions import Seen, holds, matches_body

KINDS = ("override", "content", "room", "sender", "underride")
MASTER = ".m.rule.master"
_SHORT = ("room_id", "sender", "type", "state_key")


@frozen(kw_only=True)
class PushRule:
    """One rule. Server-default ones (`default`) cannot be deleted.

    `conditions` are those of override and underride rules, `pattern` that of a content
    rule; room and sender rules go by their `rule_id`.
    """

    rule_id: str
    actions: tuple[Any, ...]
    enabled: bool
    default: bool
    conditions: tuple[JsonObject, ...] | None = None
    pattern: str | None = None

    @property
    def notifies(self) -> bool:
        return "notify" in self.actions

    @property
    def highlights(self) -> bool:
        return self.notifies and _tweak(self.actions, "highlight", default=True) is True

    @property
    def sound(self) -> str | None:
        found = _tweak(self.actions, "sound", default=None)
        return found if isinstance(found, str) else None

    @property
    def silences(self) -> str | None:
        """The room that an override rule puts to silence, if it does just that."""
        conditions = self.conditions or ()
        if not self.enabled or self.notifies or len(conditions) != 1:
            return None
        condition = conditions[0]
        is_room = condition.get("key") == "room_id"
        if condition.get("kind") not in ("event_match", "event_property_is"):
            return None
        found = condition.get("pattern", condition.get("value"))
        return found if is_room and isinstance(found, str) else None

    @classmethod
    def from_json(cls, json: JsonObject) -> Self:
        """Raises ValueError if it is not a rule."""
        rule_id, pattern = json.get("rule_id"), json.get("pattern")
        if not isinstance(rule_id, str) or not isinstance(pattern, str | None):
            raise ValueError("a push rule has a rule_id, and a pattern is text")
        conditions = json.get("conditions")
        return cls(
            rule_id=rule_id,
            actions=tuple(list_of(json.get("actions"))),
            enabled=json.get("enabled") is not False,
            default=json.get("default") is True,
            conditions=None
            if conditions is None
            else tuple(object_of(each) for each in list_of(conditions)),
            pattern=pattern,
        )

    def to_json(self) -> JsonObject:
        json: JsonObject = {
            "rule_id": self.rule_id,
            "default": self.default,
            "enabled": self.enabled,
            "actions": list(self.actions),
        }
        if self.conditions is not None:
            json["conditions"] = list(self.conditions)
        if self.pattern is not None:
            json["pattern"] = self.pattern
        return json


def _no_rules() -> Mapping[str, tuple[PushRule, ...]]:
    return MappingProxyType({})


@frozen(kw_only=True)
class RuleSet:
    """A user's rules, by kind, in the order in which they are tried."""

    rules: Mapping[str, tuple[PushRule, ...]] = field(factory=_no_rules)

    def of_kind(self, kind: str) -> tuple[PushRule, ...]:
        return self.rules.get(kind, ())

    def find(self, kind: str, rule_id: str) -> PushRule | None:
        return next((r for r in self.of_kind(kind) if r.rule_id == rule_id), None)

    def match(self, event: JsonObject, seen: Seen) -> PushRule | None:
        """The first rule that is about an event in client format, which has a room_id."""
        for kind in KINDS:
            for rule in self.of_kind(kind):
                if rule.enabled and _is_about(kind, rule, event, seen):
                    return rule
        return None

    def mutes(self, room_id: str) -> bool:
        """Whether nothing of a room is to notify, whatever it is."""
        for rule in self.of_kind("override"):
            if rule.rule_id == MASTER and rule.enabled and not rule.notifies:
                return True
            if rule.silences == room_id:
                return True
        return False

    def patterns(self) -> list[str]:
        """The globs that texts of messages are held against."""
        rules = [rule for kind in KINDS for rule in self.of_kind(kind)]
        conditions = [each for rule in rules for each in rule.conditions or ()]
        found = [rule.pattern for rule in rules]
        found += [c.get("pattern") for c in conditions if c.get("key") not in _SHORT]
        return [each for each in found if isinstance(each, str)]

    def heard(self) -> RuleSet:
        """The rules without those that put rooms to silence."""
        kept = tuple(
            rule
            for rule in self.of_kind("override")
            if rule.rule_id != MASTER and rule.silences is None
        )
        return RuleSet(rules={**self.rules, "override": kept})

    def counts_like(self, other: RuleSet) -> bool:
        """Whether both count the same, in rooms that are not put to silence."""
        return _essence(self) == _essence(other)

    def replaced(self, kind: str, rule: PushRule) -> RuleSet:
        """With a rule in the place of the one with its ID."""
        rules = tuple(
            rule if each.rule_id == rule.rule_id else each
            for each in self.of_kind(kind)
        )
        return RuleSet(rules={**self.rules, kind: rules})

    def without(self, kind: str, rule_id: str) -> RuleSet:
        rules = tuple(r for r in self.of_kind(kind) if r.rule_id != rule_id)
        return RuleSet(rules={**self.rules, kind: rules})

    def placed(
        self,
        kind: str,
        rule: PushRule,
        *,
        before: str | None = None,
        after: str | None = None,
    ) -> RuleSet:
        """With a rule of the user's put in: before or after another one of theirs, else
        where it was, else before all of theirs. Raises KeyError if there is none.
        """
        rules = list(self.of_kind(kind))
        ids = [each.rule_id for each in rules]
        if before is None and after is None and rule.rule_id in ids:
            return self.replaced(kind, rule)
        rules = [each for each in rules if each.rule_id != rule.rule_id]
        rules.insert(_place(rules, before, after), rule)
        return RuleSet(rules={**self.rules, kind: tuple(rules)})

    def over(self, defaults: RuleSet) -> RuleSet:
        """These rules on top of today's defaults: of a default rule only what a user may
        change is taken, so that a server may have new ones.
        """
        return RuleSet(
            rules={
                kind: _over(self.of_kind(kind), defaults.of_kind(kind))
                for kind in KINDS
            }
        )

    @classmethod
    def from_json(cls, json: JsonObject) -> Self:
        """The rules of a scope (`global`); what is no rule is left out."""
        return cls(rules={kind: tuple(_rules(json.get(kind))) for kind in KINDS})

    def to_json(self) -> JsonObject:
        return {kind: [r.to_json() for r in self.of_kind(kind)] for kind in KINDS}


def _rules(found: object) -> Iterable[PushRule]:
    for each in list_of(found):
        try:
            yield PushRule.from_json(object_of(each))
        except ValueError:
            continue


def _place(rules: list[PushRule], before: str | None, after: str | None) -> int:
    own = [i for i, rule in enumerate(rules) if not rule.default]
    for name, step in ((before, 0), (after, 1)):
        if name is not None:
            found = [i for i in own if rules[i].rule_id == name]
            if not found:
                raise KeyError(name)
            return found[0] + step
    if own:
        return own[0]
    # Nothing is tried before the rule that turns everything off.
    return 1 if rules and rules[0].rule_id == MASTER else 0


def _over(
    own: tuple[PushRule, ...], defaults: tuple[PushRule, ...]
) -> tuple[PushRule, ...]:
    changed = {rule.rule_id: rule for rule in own if rule.default}
    merged = [
        evolve(
            rule,
            enabled=changed[rule.rule_id].enabled,
            actions=changed[rule.rule_id].actions,
        )
        if rule.rule_id in changed
        else rule
        for rule in defaults
    ]
    start = 1 if merged and merged[0].rule_id == MASTER else 0
    mine = [rule for rule in own if not rule.default]
    return (*merged[:start], *mine, *merged[start:])


def _is_about(kind: str, rule: PushRule, event: JsonObject, seen: Seen) -> bool:
    match kind:
        case "content":
            return rule.pattern is not None and matches_body(event, rule.pattern)
        case "room":
            return event.get("room_id") == rule.rule_id
        case "sender":
            return event.get("sender") == rule.rule_id
        case _:
            return all(holds(each, event, seen) for each in rule.conditions or ())


def _essence(rules: RuleSet) -> list[Any]:
    heard = rules.heard()
    return [
        (kind, r.notifies, r.highlights, r.conditions, r.pattern, _by_id(kind, r))
        for kind in KINDS
        for r in heard.of_kind(kind)
        if r.enabled
    ]


def _by_id(kind: str, rule: PushRule) -> str | None:
    return rule.rule_id if kind in ("room", "sender") else None


def _tweak(actions: tuple[Any, ...], name: str, *, default: Any) -> Any:
    for action in actions:
        if isinstance(action, dict) and action.get("set_tweak") == name:
            return action.get("value", default)
    return None
