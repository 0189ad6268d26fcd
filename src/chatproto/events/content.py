"""Structuring of event contents: lenient to what is unknown, strict to what is known.

Nothing is converted: a number where text belongs is refused, not written out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import GenericAlias
from typing import Any, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from chatproto.canonical import JsonObject, object_of
from chatproto.errors import MatrixError

T = TypeVar("T")


def key(name: str) -> dict[str, str]:
    """The metadata of a field whose key in the content is not its name."""
    return {"key": name}


def structure_content(kind: type[T], content: JsonObject, event_type: str) -> T:
    """The typed content. A class with `from_content` reads its content itself.

    Raises MatrixError M_BAD_JSON, naming the field.
    """
    if object_of(content) is not content:
        raise MatrixError("M_BAD_JSON", f"{event_type}: the content is not an object")
    read = getattr(kind, "from_content", None)
    try:
        return read(content) if read else _converter().structure(content, kind)
    except cattrs.BaseValidationError as error:
        message = "; ".join(cattrs.transform_error(error, format_exception=_format)[:3])
    except ValueError as error:
        message = str(error)
    raise MatrixError("M_BAD_JSON", f"{event_type}: {message}")


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    for kind, called in ((str, "a string"), (int, "an integer"), (bool, "a boolean")):
        converter.register_structure_hook(kind, _exactly(kind, called))
    converter.register_structure_hook_func(_is_object, _exactly(dict, "an object"))

    def structure_class(kind: Any) -> Any:
        from_object = make_dict_structure_fn(kind, converter, **_renames(kind))
        is_object = _exactly(dict, "an object")
        return _then(is_object, lambda value: from_object(value, kind))

    def structure_list(kind: Any) -> Any:
        items: Any = GenericAlias(list, get_args(kind)[:1])
        structure_items = converter.get_structure_hook(items)
        is_list = _exactly(list, "a list")
        return _then(is_list, lambda value: tuple(structure_items(value, items)))

    converter.register_structure_hook_factory(attrs.has, structure_class)
    converter.register_structure_hook_factory(_is_tuple, structure_list)
    return converter


def _is_object(kind: Any) -> bool:
    return kind is dict or get_origin(kind) is dict


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _exactly(kind: type, called: str) -> Any:
    def check(value: object, _: object) -> object:
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        raise ValueError(f"expected {called}, got {type(value).__name__}")

    return check


def _then(check: Any, structure: Callable[[Any], Any]) -> Any:
    def checked(value: object, kind: object) -> object:
        return structure(check(value, kind))

    return checked


def _renames(kind: Any) -> dict[str, Any]:
    named = [f for f in attrs.fields(kind) if "key" in f.metadata]
    return {f.name: override(rename=f.metadata["key"]) for f in named}


def _format(error: BaseException, _: type | None) -> str:
    return f"missing {error}" if isinstance(error, KeyError) else str(error)
