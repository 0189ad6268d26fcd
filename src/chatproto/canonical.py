"""The strict JSON reader of every door, and the canonical writer.

The reader is the standard library's with hooks: it refuses what two servers could read
in two ways (duplicate keys, NaN, integers that a double cannot hold, lone surrogates)
and what only an attacker sends (nesting over 100). Canonical JSON is that of the Matrix
specification (appendices, "Canonical JSON"), strict as from room version 6 on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn, TypeAlias

import orjson

from chatproto.errors import MatrixError

JsonObject: TypeAlias = dict[str, Any]

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 100
_MAX_DIGITS = 16

# Possessive, and content with a missing end, so that no text makes it go back: an
# unterminated string full of escapes would otherwise cost its length squared.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")


def loads(data: bytes | str) -> Any:
    """Read JSON strictly.

    Finite floats pass, for account data and tags carry them; `canonical` refuses them.
    Raises MatrixError: M_NOT_JSON, or M_BAD_JSON for JSON that is forbidden here.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _check_depth(raw)
    try:
        value = _DECODER.decode(raw.decode())
    except UnicodeDecodeError:
        raise MatrixError("M_NOT_JSON", "the text is not UTF-8") from None
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg} at character {error.pos}"
        raise MatrixError("M_NOT_JSON", message) from None
    if b"\\u" in raw:
        _check_surrogates(value)
    return value


def object_of(value: object) -> JsonObject:
    """The value if it is an object, else an empty one."""
    known: Any = value
    return known if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    known: Any = value
    return known if isinstance(value, list) else []


def dumps(value: object) -> bytes:
    """Write JSON compactly; for what has been checked already."""
    return orjson.dumps(value)


def canonical(value: object) -> bytes:
    """Write canonical JSON. Raises MatrixError M_BAD_JSON for what has no such form."""
    check_canonical(value)
    return canonical_of_checked(value)


def canonical_of_checked(value: object) -> bytes:
    """Write canonical JSON of what is known to have one."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def check_canonical(value: object, max_depth: int = MAX_DEPTH) -> None:
    """Raises MatrixError M_BAD_JSON for floats, large integers and the like."""
    pending: list[tuple[Any, int]] = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        kind: object = item.__class__
        if kind is str:
            if not item.isascii():
                _check_text(item)
        elif kind is int:
            if not -MAX_INTEGER <= item <= MAX_INTEGER:
                raise _refused("an integer is outside -(2^53-1)..2^53-1")
        elif kind is dict or kind is list:
            if depth >= max_depth:
                raise _refused(f"nesting is deeper than {max_depth}")
            inside = item if kind is list else _values(item)
            pending += [(each, depth + 1) for each in inside]
        elif item is not None and kind is not bool:
            raise _refused(f"{type(item).__name__} has no canonical form")


def _values(item: JsonObject) -> Iterable[Any]:
    for key in item:
        if type(key) is not str:
            raise _refused("a key is not a string")
        if not key.isascii():
            _check_text(key)
    return item.values()


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _refused("a string has a lone surrogate") from None


def _check_surrogates(value: Any) -> None:
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        kind: object = item.__class__
        if kind is str:
            if not item.isascii():
                _check_text(item)
        elif kind is dict:
            pending += item.keys()
            pending += item.values()
        elif kind is list:
            pending += item


def _check_depth(raw: bytes) -> None:
    depth = 0
    for byte in _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS):
        if byte in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                raise _refused(f"nesting is deeper than {MAX_DEPTH}")
        else:
            depth -= 1


def _pairs(pairs: list[tuple[str, Any]]) -> JsonObject:
    obj = dict(pairs)
    if len(obj) != len(pairs):
        raise _refused("a key occurs twice in one object")
    return obj


def _integer(text: str) -> int:
    if len(text) <= _MAX_DIGITS + 1:
        value = int(text)
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return value
    raise _refused("an integer is outside -(2^53-1)..2^53-1")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _refused("a number is too large")
    return value


def _constant(text: str) -> NoReturn:
    raise MatrixError("M_NOT_JSON", f"{text} is not JSON")


def _refused(message: str) -> MatrixError:
    return MatrixError("M_BAD_JSON", message)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)
