"""Requests of any operation, made up from their types."""

from __future__ import annotations

from typing import Any, get_args, get_origin

import attrs
from hypothesis import strategies as st

from chatproto.operations.codec import hints

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
NUMBER = st.integers(-(2**53) + 1, 2**53 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda more: st.lists(more, max_size=2) | st.dictionaries(TEXT, more, max_size=2),
    max_leaves=4,
)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: NUMBER,
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    tuple: st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=2).map(tuple),
    dict: st.dictionaries(TEXT, JSON, max_size=2),
    type(None): st.none(),
    Any: JSON,
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a declared type."""
    kind = getattr(kind, "__supertype__", kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if attrs.has(kind):
        return st.builds(kind, **{name: values(t) for name, t in hints(kind).items()})
    origin, args = get_origin(kind), get_args(kind)
    if origin is tuple:
        return st.lists(values(args[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(values(args[0]), values(args[1]), max_size=2)
    return st.one_of([values(arg) for arg in args])


# The second is one that a lenient reader would make into the first.
_EXAMPLES = {
    str: ("x", 1),
    int: (1, "1"),
    bool: (True, 1),
    dict: ({}, []),
    tuple: ([], "text"),
}


def examples(kind: Any) -> tuple[Any, Any]:
    """A value of a declared type, and one of another."""
    options = [kind] if get_origin(kind) in (dict, tuple) else get_args(kind) or [kind]
    plain = getattr(options[0], "__supertype__", options[0])
    return _EXAMPLES[dict if attrs.has(plain) else get_origin(plain) or plain]
