"""Structuring of event contents: lenient to what is unknown, strict to what is known."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from chatproto.canonical import JsonObject
from chatproto.errors import MatrixError

T = TypeVar("T")


def key(name: str) -> dict[str, str]:
    """The metadata of a field whose key in the content is not its name."""
    return {"key": name}


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    for kind, called in ((str, "a string"), (int, "an integer"), (bool, "a boolean")):
        converter.register_structure_hook_func(_is(kind), _exactly(kind, called))
    converter.register_structure_hook_func(_is_object, _exactly(dict, "an object"))

    def structure(kind: Any) -> Any:
        return make_dict_structure_fn(kind, converter, **_renames(kind))

    converter.register_structure_hook_factory(attrs.has, structure)
    return converter


def structure_content(kind: type[T], content: JsonObject, event_type: str) -> T:
    """Raises MatrixError M_BAD_JSON, naming the field."""
    try:
        return _converter().structure(content, kind)
    except cattrs.BaseValidationError as error:
        message = "; ".join(cattrs.transform_error(error, format_exception=_format)[:3])
        raise MatrixError("M_BAD_JSON", f"{event_type}: {message}") from None


def _is(kind: type) -> Any:
    return lambda t: t is kind


def _is_object(kind: Any) -> bool:
    return kind is dict or get_origin(kind) is dict


def _exactly(kind: type, called: str) -> Any:
    def check(value: object, _: object) -> object:
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        raise ValueError(f"expected {called}, got {type(value).__name__}")

    return check


def _renames(kind: Any) -> dict[str, Any]:
    named = [f for f in attrs.fields(kind) if "key" in f.metadata]
    return {f.name: override(rename=f.metadata["key"]) for f in named}


def _format(error: BaseException, _: type | None) -> str:
    return f"missing {error}" if isinstance(error, KeyError) else str(error)
