"""Who may do what in a room: read from the rules' own source."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from types import ModuleType

from chatproto.rooms import auth_rules, member_rules, power_level_rules
from chatproto.rooms.auth_rules import RULES
from chatproto.rooms.power_levels import DEFAULTS, ROOM_NOTIFICATION
from scripts.reference.markdown import code, table

_SUBJECTS = {
    "1": "the create event",
    "2": "what an event names as its authorization",
    "3": "other servers",
    "4": "member events",
    "5": "the sender",
    "6": "invitations by an address elsewhere",
    "7": "power levels needed",
    "8": "state named by a user",
    "9": "changes of power levels",
}
_INTRO = """# Authorization rules

Every event that is to follow a room's state is asked of these rules, those of
[room version 11](https://spec.matrix.org/v1.16/rooms/v11/#authorization-rules), in this
order; the first that allows or refuses it decides, and what passes all of them is allowed.
A refusal is `M_FORBIDDEN` with the words below; the parts in ‹angles› are those of the
event. What a rule allows at once: the create event (1), a change of membership that passes
its part of rule 4, an invitation by address (6), a change of power levels (9).
"""
_LEVELS = """## Power levels

Where the room's `m.room.power_levels` says nothing, these hold. Where there is no such event
at all, who made the room has 100 and everybody else 0.
"""


def page() -> str:
    numbers = [number for number, _ in RULES]
    assert numbers == list(_SUBJECTS), "say what each rule is about"
    parts = [_INTRO]
    refusals = sorted(dict.fromkeys(_refusals()), key=_order)
    for number, subject in _SUBJECTS.items():
        rows = [r for r in refusals if re.match(rf"{number}(\.|$)", r[0])]
        parts.append(f"## {number}: {subject}\n")
        parts.append(table(("rule", "refused with the words"), rows))
    levels = [*DEFAULTS.items(), ("notifications.room", ROOM_NOTIFICATION)]
    rows = [(code(name), str(level)) for name, level in levels]
    return "\n".join([*parts, _LEVELS, table(("key", "level"), rows)])


def _order(refusal: tuple[str, str]) -> list[tuple[int, str]]:
    parts = re.findall(r"(\d+)([a-z]?)", refusal[0])
    return [(int(number), letter) for number, letter in parts]


def _refusals() -> Iterator[tuple[str, str]]:
    for module in (auth_rules, member_rules, power_level_rules):
        tree = ast.parse(inspect.getsource(module))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                yield from _in_function(function, tree, module)


def _in_function(
    function: ast.FunctionDef, tree: ast.Module, module: ModuleType
) -> Iterator[tuple[str, str]]:
    for call in _calls(function, "Denied"):
        rule, words = call.args
        if isinstance(rule, ast.Constant):
            yield str(rule.value), _words(words)
        elif isinstance(rule, ast.IfExp):
            for one in (rule.body, rule.orelse):
                yield ast.literal_eval(one), _words(words)
        else:
            # The number is an argument: those that the callers give.
            names = [argument.arg for argument in function.args.args]
            for use in _calls(tree, function.name):
                given = dict(zip(names, use.args, strict=True))
                yield ast.literal_eval(given[ast.unparse(rule)]), _words(words, given)


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
            yield node


def _words(node: ast.expr, given: dict[str, ast.expr] | None = None) -> str:
    """The text of a string, with names in place of what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part, given) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _filled(node.value, given or {})
    raise TypeError(f"no words: {ast.unparse(node)}")


def _filled(node: ast.expr, given: dict[str, ast.expr]) -> str:
    match node:
        case ast.Name(id=name) if isinstance(given.get(name), ast.Constant):
            return _words(given[name])
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return f"‹{name.replace('_', ' ')}›"
        case ast.Subscript(value=value) | ast.Call(args=[value]):
            return _filled(value, given)
    raise TypeError(f"no name: {ast.unparse(node)}")
