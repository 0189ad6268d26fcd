"""Rule 9: who may change power levels how (content/rooms/v11.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chatproto.canonical import JsonObject, object_of
from chatproto.errors import MatrixError
from chatproto.ids import parse_user_id
from chatproto.rooms.power_levels import DEFAULTS
from chatproto.rooms.rule import Denied, Question


def check_power_levels(question: Question) -> None:
    """Raises Denied."""
    new = question.pdu.content
    for rule in (rule_9_1_integers, rule_9_2_objects, rule_9_3_users):
        rule(new)
    old = question.state.get("m.room.power_levels")
    if old is None:
        return
    for change in CHANGE_RULES:
        change(question, old.content, new)


def rule_9_1_integers(new: JsonObject) -> None:
    for name in DEFAULTS:
        if name in new and not _is_integer(new[name]):
            raise Denied("9.1", f"{name} is not an integer")


def rule_9_2_objects(new: JsonObject) -> None:
    for name in ("events", "notifications"):
        _require_levels(new, name, "9.2")


def rule_9_3_users(new: JsonObject) -> None:
    _require_levels(new, "users", "9.3")
    for user in new.get("users", {}):
        try:
            parse_user_id(user)
        except MatrixError:
            raise Denied("9.3", f"{user[:60]!r} in users is not a user ID") from None


def rule_9_5_scalars(question: Question, old: JsonObject, new: JsonObject) -> None:
    for name in DEFAULTS:
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        for level in (before, after):
            if level is not None and _level(level) > question.sender_level:
                raise Denied("9.5", f"{name} is changed from or to above the sender's")


def rule_9_6_7_entries(question: Question, old: JsonObject, new: JsonObject) -> None:
    for name in ("events", "notifications"):
        for entry, before, after in _changes(old.get(name, {}), new.get(name, {})):
            if before is not None and _level(before) > question.sender_level:
                raise Denied("9.6", f"{name}.{entry[:60]} is above the sender's level")
            if after is not None and _level(after) > question.sender_level:
                raise Denied(
                    "9.7", f"{name}.{entry[:60]} is set above the sender's level"
                )


def rule_9_8_9_users(question: Question, old: JsonObject, new: JsonObject) -> None:
    sender = question.pdu.sender
    for user, before, after in _changes(old.get("users", {}), new.get("users", {})):
        high = before is not None and _level(before) >= question.sender_level
        if high and user != sender:
            raise Denied("9.8", f"{user[:60]} is not below the sender's level")
        if after is not None and _level(after) > question.sender_level:
            raise Denied("9.9", f"{user[:60]} is set above the sender's level")


CHANGE_RULES: tuple[Callable[[Question, JsonObject, JsonObject], None], ...] = (
    rule_9_5_scalars,
    rule_9_6_7_entries,
    rule_9_8_9_users,
)


def _require_levels(new: JsonObject, name: str, rule: str) -> None:
    given: Any = new.get(name, {})
    levels = object_of(given)
    if levels is not given or not all(map(_is_integer, levels.values())):
        raise Denied(rule, f"{name} is not an object of integers")


def _changes(old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    before = object_of(old)
    for name in {**before, **new}:
        if before.get(name) != new.get(name):
            yield name, before.get(name), new.get(name)


def _level(value: object) -> int:
    return value if isinstance(value, int) else 0


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
