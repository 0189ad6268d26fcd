"""Requests of any operation, made up from their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def values(
    kind: Any, plain: Mapping[Any, st.SearchStrategy[Any]] = _PLAIN
) -> st.SearchStrategy[Any]:
    """Values of a declared type, made of plain ones."""
    kind = getattr(kind, "__supertype__", kind)
    if kind in plain:
        return plain[kind]
    if attrs.has(kind):
        fields = {name: values(t, plain) for name, t in hints(kind).items()}
        return st.builds(kind, **fields)
    origin, args = get_origin(kind), get_args(kind)
    if origin is tuple:
        return st.lists(values(args[0], plain), max_size=2).map(tuple)
    if origin is dict:
        keys, held = values(args[0], plain), values(args[1], plain)
        return st.dictionaries(keys, held, max_size=2)
    return st.one_of([values(arg, plain) for arg in args])


def values_with(
    known: Sequence[str], keys: Sequence[str]
) -> Callable[[Any], st.SearchStrategy[Any]]:
    """Like `values`, but of texts that often mean something, and objects with keys that
    do.
    """
    text = st.sampled_from(known) | TEXT
    leaves = st.none() | st.booleans() | NUMBER | text
    json = st.recursive(
        leaves,
        lambda more: st.lists(more, max_size=2) | _objects(more, keys),
        max_leaves=6,
    )
    content = _objects(json, keys)
    plain = {
        **_PLAIN,
        str: text,
        tuple: st.lists(content, max_size=2).map(tuple),
        dict: content,
        Any: json,
    }
    return lambda kind: values(kind, plain)


def _objects(
    held: st.SearchStrategy[Any], keys: Sequence[str]
) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(keys) | TEXT, held, max_size=4)


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
