"""Tables, links and the names of types, in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import NoneType
from typing import Any, get_args, get_origin

import attrs

_PLAIN = {str: "string", int: "integer", bool: "boolean", float: "number"}
_WORDS = {"TxnId": "transaction ID", "MxcUri": "mxc URI"}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def code(*words: str) -> str:
    """The words as code, with commas between them."""
    return ", ".join(f"`{word}`" for word in words)


def link(name: str) -> str:
    """A link to the heading of this name on the same page."""
    return f"[`{name}`](#{anchor(name)})"


def anchor(name: str) -> str:
    """What a heading is called in links."""
    return re.sub(r"[^\w-]", "", name.lower().replace(" ", "-"))


def sentence(text: str) -> str:
    """A docstring's first paragraph on one line."""
    return " ".join(text.split("\n\n", 1)[0].split())


def shown_type(kind: Any) -> str:
    """A type in words; a class of its own as a link to where it is described."""
    arguments = [a for a in get_args(kind) if a is not NoneType]
    origin = get_origin(kind)
    if NoneType in get_args(kind):
        return shown_type(arguments[0])
    if origin is tuple:
        return f"list of {_plural(shown_type(arguments[0]))}"
    if _is_object(kind, arguments):
        return "object"
    if origin is not None and issubclass(origin, Mapping):
        key, value = map(shown_type, arguments)
        return f"object, {value} by {key}"
    if attrs.has(kind):
        return link(kind.__name__)
    return _PLAIN.get(kind) or _named(kind)


def _is_object(kind: Any, arguments: list[Any]) -> bool:
    return kind is dict or (len(arguments) == 2 and arguments[1] is Any)


def _plural(text: str) -> str:
    return text if text.startswith("[") else f"{text}s"


def _named(kind: Any) -> str:
    """The words of a name that stands for a string: UserId is a user ID."""
    name = getattr(kind, "__name__", str(kind))
    if name == "Any":
        return "anything"
    words = re.findall(r"[A-Z][a-z]+", name)
    plain = " ".join("ID" if word == "Id" else word.lower() for word in words)
    return _WORDS.get(name, plain)


def classes_in(kind: Any) -> list[type]:
    """The classes of which a type is made."""
    found = [c for a in get_args(kind) for c in classes_in(a)]
    return [kind] if attrs.has(kind) else found


def default_of(field: attrs.Attribute[Any]) -> str:
    """What holds if a field is absent; nothing where that says nothing."""
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str | int) and value != "" else ""
