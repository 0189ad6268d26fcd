"""What the conditions of push rules say of an event.

Source: Matrix Client-Server API, "Push Rules", "Conditions".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from attrs import frozen

from chatproto.canonical import JsonObject, object_of

# Longer patterns match nothing: a search takes up to the lengths of both, multiplied.
MAX_PATTERN = 255  # characters

_STEP = re.compile(r"(?:[^.\\]|\\.)+", re.DOTALL)
_COUNT = re.compile(r"(==|<=|>=|<|>)?(\d{1,9})")
_MISSING = object()


@frozen(kw_only=True)
class Seen:
    """What rules may ask about beside the event.

    `may_notify(sender, key)` says whether a sender has the level for
    `notifications[key]` of the room.
    """

    display_name: str | None
    joined_count: int
    may_notify: Callable[[str, str], bool]


def holds(condition: JsonObject, event: JsonObject, seen: Seen) -> bool:
    """Whether a condition holds; one that is unknown or malformed never does."""
    key, value = condition.get("key"), condition.get("value")
    match condition.get("kind"):
        case "event_match":
            return _matches(event, key, condition.get("pattern"))
        case "event_property_is":
            return _is_value(value) and _same(_property(event, key), value)
        case "event_property_contains":
            found = _property(event, key)
            return (
                isinstance(found, list)
                and _is_value(value)
                and any(_same(each, value) for each in found)
            )
        case "contains_display_name":
            name = seen.display_name
            return bool(name) and matches_body(event, _escaped(str(name)))
        case "room_member_count":
            return _counts(condition.get("is"), seen.joined_count)
        case "sender_notification_permission":
            sender = event.get("sender")
            return (
                isinstance(key, str)
                and isinstance(sender, str)
                and seen.may_notify(sender, key)
            )
        case _:
            return False


def matches_body(event: JsonObject, pattern: str) -> bool:
    """Whether a pattern stands in the text of a message, as whole words."""
    body = object_of(event.get("content")).get("body")
    return isinstance(body, str) and found_in(body, pattern)


def found_in(text: str, pattern: str) -> bool:
    """Whether a glob stands somewhere in a text, its ends at the bounds of words."""
    return len(pattern) <= MAX_PATTERN and _find(_parts(pattern, whole=False), text)


def matches(text: str, pattern: str) -> bool:
    """Whether a glob is the whole of a text: `*` is anything, `?` one character."""
    return len(pattern) <= MAX_PATTERN and _find(_parts(pattern, whole=True), text)


def _matches(event: JsonObject, key: object, pattern: object) -> bool:
    found = _property(event, key)
    if not isinstance(found, str) or not isinstance(pattern, str):
        return False
    if key == "content.body":
        return found_in(found, pattern)
    return matches(found, pattern)


def _find(parts: tuple[re.Pattern[str], ...], text: str) -> bool:
    """Each part after the one before, the leftmost that there is: no text takes longer
    than one reading for each part, however the pattern was made.
    """
    at = 0
    for part in parts:
        found = part.search(text, at)
        if found is None:
            return False
        at = found.end()
    return True


@lru_cache(maxsize=1024)
def _parts(pattern: str, *, whole: bool) -> tuple[re.Pattern[str], ...]:
    """A glob as the texts between its stars."""
    start, end = (r"\A", r"\Z") if whole else (r"(?<!\w)", r"(?!\w)")
    pieces = re.split(r"\*+", pattern)
    sources = ["".join("." if c == "?" else re.escape(c) for c in p) for p in pieces]
    if whole or sources[0]:
        sources[0] = start + sources[0]
    if whole or sources[-1]:
        sources[-1] = sources[-1] + end
    flags = re.IGNORECASE | re.DOTALL
    return tuple(re.compile(s, flags) for s in sources if s)


def _escaped(name: str) -> str:
    return name.replace("*", "?")


@lru_cache(maxsize=1024)
def _path(key: str) -> tuple[str, ...]:
    return tuple(re.sub(r"\\([.\\])", r"\1", step) for step in _STEP.findall(key))


def _property(event: JsonObject, key: object) -> Any:
    found: Any = event if isinstance(key, str) else _MISSING
    for step in _path(key) if isinstance(key, str) else ():
        found = found.get(step, _MISSING) if isinstance(found, dict) else _MISSING
    return found


def _is_value(value: object) -> bool:
    return value is None or isinstance(value, str | int | bool)


def _same(found: object, value: object) -> bool:
    return type(found) is type(value) and found == value


def _counts(condition: object, count: int) -> bool:
    parsed = _COUNT.fullmatch(condition) if isinstance(condition, str) else None
    if parsed is None:
        return False
    wanted = int(parsed[2])
    match parsed[1]:
        case "<":
            return count < wanted
        case ">":
            return count > wanted
        case "<=":
            return count <= wanted
        case ">=":
            return count >= wanted
        case _:
            return count == wanted
