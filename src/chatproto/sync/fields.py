"""Reading JSON that others wrote: what is absent or of a wrong type is not there."""

from __future__ import annotations

from typing import Any, cast

from chatproto.canonical import JsonObject

SEQ = "org.chatproto.seq"
POS = "org.chatproto.pos"
REDACTS = "org.chatproto.redacts"


def child(json: JsonObject, key: str) -> JsonObject:
    """The object under `key`; an empty one if there is none."""
    value = json.get(key)
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def text(json: JsonObject, key: str) -> str | None:
    value = json.get(key)
    return value if isinstance(value, str) else None


def number(json: JsonObject, key: str) -> int | None:
    value = json.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return None


def texts(json: JsonObject, key: str) -> list[str]:
    return [v for v in _array(json, key) if isinstance(v, str)]


def objects(json: JsonObject, key: str) -> list[JsonObject]:
    found = [v for v in _array(json, key) if isinstance(v, dict)]
    return cast("list[JsonObject]", found)


def events(section: JsonObject, key: str) -> list[JsonObject]:
    """The list `{key: {"events": [...]}}`, as sections of a sync body have it."""
    return objects(child(section, key), "events")


def content_of(event: JsonObject) -> JsonObject:
    return child(event, "content")


def seq_of(event: JsonObject) -> int | None:
    """An event's place in its room, from 1."""
    return number(child(event, "unsigned"), SEQ)


def pos_of(event: JsonObject) -> int | None:
    """An event's place among all that the server has stored."""
    return number(child(event, "unsigned"), POS)


def is_event(event: JsonObject) -> bool:
    """Whether it has what every event in a room has, and a place."""
    names = (event.get(key) for key in ("event_id", "type", "sender"))
    return (seq_of(event) or 0) > 0 and all(isinstance(name, str) for name in names)


def history_seq(token: str | None) -> int | None:
    """The place that a token of history (`t<seq>`) names."""
    if token is None or token[:1] != "t":
        return None
    digits = token[1:]
    return int(digits) if digits.isascii() and digits.isdigit() else None


def is_state(event: JsonObject) -> bool:
    return isinstance(event.get("state_key"), str)


def _array(json: JsonObject, key: str) -> list[Any]:
    value: list[Any] | Any = json.get(key)
    return value if isinstance(value, list) else []
