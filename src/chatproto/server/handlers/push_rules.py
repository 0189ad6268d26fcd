"""Push rules: what the user changed is account data, on top of what everybody has."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from chatproto.canonical import JsonObject, dumps
from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Find,
    Handler,
    Needs,
    PutAccountData,
    Reads,
    View,
)
from chatproto.errors import MatrixError
from chatproto.operations import push as ops
from chatproto.operations.declare import Empty
from chatproto.rooms.push_conditions import MAX_PATTERN
from chatproto.rooms.push_rules import KINDS, PushRule, RuleSet
from chatproto.server.push_rules import PUSH_RULES, content_of, rules_of

MAX_BYTES = 256 * 1024
MAX_NAME = 255
# All patterns of a user together: each message is held against each of them.
MAX_PATTERNS = 4_096  # characters


async def get_all(reading: Any, _request: ops.GetPushRules) -> ops.PushRules:
    return ops.PushRules(global_=_by_kind(await _rules(reading)))


async def get_global(
    reading: Any, _request: ops.GetGlobalPushRules
) -> ops.GlobalPushRules:
    return _by_kind(await _rules(reading))


def _by_kind(rules: RuleSet) -> ops.GlobalPushRules:
    return ops.GlobalPushRules(**{kind: rules.of_kind(kind) for kind in KINDS})


async def get(reading: Any, request: ops.GetPushRule) -> PushRule:
    return _rule(await _rules(reading), request.kind, request.rule_id)


async def get_enabled(
    reading: Any, request: ops.GetPushRuleEnabled
) -> ops.PushRuleEnabled:
    rule = _rule(await _rules(reading), request.kind, request.rule_id)
    return ops.PushRuleEnabled(enabled=rule.enabled)


async def get_actions(
    reading: Any, request: ops.GetPushRuleActions
) -> ops.PushRuleActions:
    rule = _rule(await _rules(reading), request.kind, request.rule_id)
    return ops.PushRuleActions(actions=rule.actions)


async def _rules(reading: Any) -> RuleSet:
    user_id = reading.caller.user
    content = await reading.store.account_datum(user_id, None, PUSH_RULES)
    return rules_of(user_id, content, reading.engine.registry)


def needs_rules(caller: Caller, _request: Any) -> Needs:
    where = {"user_id": caller.user, "room_id": "", "type": PUSH_RULES}
    return Needs(rows={"rules": Find(table="account_data", where=where)})


def set_rule(view: View, request: ops.SetPushRule) -> Decision:
    rules, kind = _seen(view), _kind(request.kind)
    _check_name(request.rule_id)
    known = rules.find(kind, request.rule_id)
    rule = PushRule(
        rule_id=request.rule_id,
        actions=_actions(request.actions),
        enabled=known is None or known.enabled,
        default=False,
        conditions=_conditions(kind, request),
        pattern=_pattern(kind, request),
    )
    try:
        placed = rules.placed(kind, rule, before=request.before, after=request.after)
    except KeyError:
        raise MatrixError(
            "M_INVALID_PARAM", "before and after name rules of your own, of this kind"
        ) from None
    _check_patterns(placed)
    return _set(view, placed)


def delete_rule(view: View, request: ops.DeletePushRule) -> Decision:
    rules = _seen(view)
    if _rule(rules, request.kind, request.rule_id).default:
        raise MatrixError(
            "M_INVALID_PARAM", "a rule of the server can be disabled, not deleted"
        )
    return _set(view, rules.without(request.kind, request.rule_id))


def set_enabled(view: View, request: ops.SetPushRuleEnabled) -> Decision:
    rules = _seen(view)
    rule = _rule(rules, request.kind, request.rule_id)
    return _set(
        view, rules.replaced(request.kind, evolve(rule, enabled=request.enabled))
    )


def set_actions(view: View, request: ops.SetPushRuleActions) -> Decision:
    rules = _seen(view)
    rule = _rule(rules, request.kind, request.rule_id)
    changed = evolve(rule, actions=_actions(request.actions))
    return _set(view, rules.replaced(request.kind, changed))


def _seen(view: View) -> RuleSet:
    row = view.row("rules")
    return rules_of(view.caller.user, row["content"] if row else None, view.registry)


def _set(view: View, rules: RuleSet) -> Decision:
    content = content_of(rules)
    if len(dumps(content)) > MAX_BYTES:
        raise MatrixError("M_LIMIT_EXCEEDED", "these are too many push rules")
    write = PutAccountData(user_id=view.caller.user, type=PUSH_RULES, content=content)
    return Decision(writes=(write,), reply=Empty())


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise MatrixError("M_INVALID_PARAM", f"rules are of {', '.join(KINDS)}")
    return kind


def _rule(rules: RuleSet, kind: str, rule_id: str) -> PushRule:
    found = rules.find(_kind(kind), rule_id)
    if found is None:
        raise MatrixError("M_NOT_FOUND", f"there is no rule {rule_id[:60]!r}")
    return found


def _check_name(rule_id: str) -> None:
    if rule_id.startswith("."):
        raise MatrixError(
            "M_INVALID_PARAM", "names with a dot in front are the server's"
        )
    if not rule_id or len(rule_id) > MAX_NAME or "\\" in rule_id or "/" in rule_id:
        raise MatrixError(
            "M_INVALID_PARAM", "a rule's name has no slashes, and is not too long"
        )


def _check_patterns(rules: RuleSet) -> None:
    patterns = rules.patterns()
    if any(len(each) > MAX_PATTERN for each in patterns):
        message = f"a pattern has at most {MAX_PATTERN} characters"
        raise MatrixError("M_INVALID_PARAM", message)
    if sum(map(len, patterns)) > MAX_PATTERNS:
        message = f"all patterns together have at most {MAX_PATTERNS} characters"
        raise MatrixError("M_LIMIT_EXCEEDED", message)


def _actions(actions: tuple[Any, ...]) -> tuple[Any, ...]:
    for action in actions:
        tweaks = isinstance(action, dict) and isinstance(action.get("set_tweak"), str)
        if not isinstance(action, str) and not tweaks:
            raise MatrixError(
                "M_INVALID_PARAM", "an action is 'notify', or an object with set_tweak"
            )
    return actions


def _conditions(kind: str, request: ops.SetPushRule) -> tuple[JsonObject, ...] | None:
    if kind not in ("override", "underride"):
        return None
    conditions = request.conditions or ()
    if not all(isinstance(each.get("kind"), str) for each in conditions):
        raise MatrixError("M_INVALID_PARAM", "a condition has a kind")
    return conditions


def _pattern(kind: str, request: ops.SetPushRule) -> str | None:
    if kind != "content":
        return None
    if not request.pattern:
        raise MatrixError("M_INVALID_PARAM", "a content rule has a pattern")
    return request.pattern


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.GET_PUSH_RULES, get_all),
    Reads(ops.GET_GLOBAL_PUSH_RULES, get_global),
    Reads(ops.GET_PUSH_RULE, get),
    Decides(ops.SET_PUSH_RULE, set_rule, needs_rules),
    Decides(ops.DELETE_PUSH_RULE, delete_rule, needs_rules),
    Reads(ops.GET_PUSH_RULE_ENABLED, get_enabled),
    Decides(ops.SET_PUSH_RULE_ENABLED, set_enabled, needs_rules),
    Reads(ops.GET_PUSH_RULE_ACTIONS, get_actions),
    Decides(ops.SET_PUSH_RULE_ACTIONS, set_actions, needs_rules),
)
