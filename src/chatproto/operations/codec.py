"""Between the JSON of a door and the typed requests and answers of the table.

Structuring is strict: a string is never made from a number, nor a number from a
string. A field may travel under another name: `field(metadata=wire("m.read"))`.
Unknown keys are ignored, absent optional ones are not written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from types import GenericAlias
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import attrs
import cattrs
from attrs import NOTHING
from cattrs.gen import (
    make_dict_structure_fn,
    make_dict_unstructure_fn,
    make_mapping_structure_fn,
    override,
)

from chatproto.canonical import MAX_INTEGER, JsonObject
from chatproto.errors import MatrixError

T = TypeVar("T")

_INTEGER = re.compile(r"-?[0-9]{1,16}")


def wire(name: str) -> dict[str, str]:
    """The metadata of a field that travels under another name."""
    return {"wire": name}


def wire_name(attribute: attrs.Attribute[Any]) -> str:
    return str(attribute.metadata.get("wire", attribute.name))


def _exactly(kind: type, called: str) -> Any:
    def structure(value: object, _: object) -> object:
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        raise ValueError(f"expected {called}, got {_shown(value)}")

    return structure


def _number(value: object, _: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError(f"expected a number, got {_shown(value)}")


_STRICT: dict[type, Any] = {
    str: _exactly(str, "a string"),
    int: _exactly(int, "an integer"),
    bool: _exactly(bool, "a boolean"),
    float: _number,
}


def _stands_for(kind: type, declared: Any) -> bool:
    return _plain(declared) is kind


def _shown(value: object) -> str:
    names: dict[type, str] = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
    }
    if value is None:
        return "null"
    return names.get(type(value), repr(value)[:40])


def _is_json_object(kind: Any) -> bool:
    return kind is dict or (get_origin(kind) is dict and kind == JsonObject)


def _plain(kind: Any) -> Any:
    """The type behind a NewType, which cattrs would convert to instead of check."""
    return getattr(kind, "__supertype__", kind)


def _is_attrs(kind: Any) -> bool:
    return attrs.has(get_origin(kind) or kind)


def _is_mapping(kind: Any) -> bool:
    return get_origin(kind) is dict and not _is_json_object(kind)


def _is_array(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[1:] == (...,)


_is_object = _exactly(dict, "an object")
_is_list = _exactly(list, "an array")


def _then(check: Any, structure_rest: Callable[[Any], Any]) -> Any:
    def checked(value: object, kind: object) -> object:
        return structure_rest(check(value, kind))

    return checked


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    for kind, structure_plain in _STRICT.items():
        # By class for the type itself, which cattrs asks first; by a function for the
        # names that stand for it.
        converter.register_structure_hook(kind, structure_plain)
        converter.register_structure_hook_func(
            partial(_stands_for, kind), structure_plain
        )
    converter.register_structure_hook_func(_is_json_object, _is_object)
    converter.register_unstructure_hook_func(_is_json_object, lambda value: value)

    def structure_attrs(kind: Any) -> Any:
        from_object = make_dict_structure_fn(kind, converter, **_renames(kind))
        return _then(_is_object, lambda value: from_object(value, kind))

    def structure_mapping(kind: Any) -> Any:
        from_object: Any = make_mapping_structure_fn(kind, converter)
        return _then(_is_object, lambda value: from_object(value, kind))

    def structure_array(kind: Any) -> Any:
        items: Any = GenericAlias(list, get_args(kind)[:1])
        structure_items = converter.get_structure_hook(items)
        return _then(_is_list, lambda value: tuple(structure_items(value, items)))

    def unstructure_attrs(kind: Any) -> Any:
        return make_dict_unstructure_fn(
            kind,
            converter,
            _cattrs_omit_if_default=True,
            **_kept(kind),
        )

    converter.register_structure_hook_factory(_is_attrs, structure_attrs)
    converter.register_structure_hook_factory(_is_mapping, structure_mapping)
    converter.register_structure_hook_factory(_is_array, structure_array)
    converter.register_unstructure_hook_factory(_is_attrs, unstructure_attrs)
    return converter


def _renames(kind: Any) -> dict[str, Any]:
    fields = attrs.fields(get_origin(kind) or kind)
    return {
        f.name: override(rename=wire_name(f)) for f in fields if wire_name(f) != f.name
    }


def _kept(kind: Any) -> dict[str, Any]:
    """Renames, and only None is left out: an empty list or a zero is an answer."""
    fields = attrs.fields(get_origin(kind) or kind)
    return {
        f.name: override(rename=wire_name(f), omit_if_default=f.default is None)
        for f in fields
    }


CONVERTER = _make_converter()


def structure(kind: type[T], value: object) -> T:
    """Make a typed value from JSON.

    Raises MatrixError M_MISSING_PARAM or M_BAD_JSON, with the path of the field.
    """
    if not isinstance(value, dict):
        raise MatrixError("M_BAD_JSON", f"expected an object, got {_shown(value)}")
    try:
        return CONVERTER.structure(value, kind)
    except cattrs.BaseValidationError as error:
        raise _explained(error, kind) from None


def unstructure(value: object) -> JsonObject:
    """Make JSON from a typed value; fields that are None are left out."""
    json: JsonObject = CONVERTER.unstructure(value)
    return json


def _explained(error: cattrs.BaseValidationError, kind: type) -> MatrixError:
    message = "; ".join(list(_problems(error, "$"))[:3])
    missing = all(isinstance(e, KeyError) for e in error.exceptions)
    errcode = "M_MISSING_PARAM" if missing else "M_BAD_JSON"
    return MatrixError(errcode, f"{kind.__name__}: {message}")


def _problems(error: BaseException, path: str) -> Iterator[str]:
    """What is wrong and where, under the names that travel."""
    if isinstance(error, cattrs.ClassValidationError):
        names = {f.name: wire_name(f) for f in attrs.fields(error.cl)}
        in_fields, of_the_whole = error.group_exceptions()
        for inner, note in in_fields:
            yield from _problems(inner, f"{path}.{names[note.name]}")
        for inner in of_the_whole:
            yield from _problems(inner, path)
    elif isinstance(error, cattrs.IterableValidationError):
        for inner, place in error.group_exceptions()[0]:
            yield from _problems(inner, f"{path}[{place.index!r}]")
    else:
        yield f"{_said(error)} @ {path}"


def _said(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"missing field {error.args[0]!r}"
    return error.error if isinstance(error, MatrixError) else str(error)


@cache
def hints(kind: type) -> dict[str, Any]:
    """The resolved types of a request's fields."""
    return get_type_hints(kind)


def is_text(kind: Any) -> bool:
    """Whether a field of this type holds a string (or nothing)."""
    options = _args(kind) if type(None) in _args(kind) else (kind,)
    return any(_plain(option) is str for option in options)


def from_text(kind: Any, text: str) -> object:
    """Read a field that travelled in a path or query, where all is text.

    Raises ValueError.
    """
    options = getattr(kind, "__args__", ()) if type(None) in _args(kind) else (kind,)
    plain = next((o for o in options if o is not type(None)), str)
    if plain is int:
        return _integer(text)
    if plain is bool:
        if text not in ("true", "false"):
            raise ValueError(f"expected true or false, got {text[:40]!r}")
        return text == "true"
    return text


def _integer(text: str) -> int:
    """What the JSON reader takes for an integer; int() reads far more."""
    if _INTEGER.fullmatch(text) and abs(int(text)) <= MAX_INTEGER:
        return int(text)
    raise ValueError(f"expected an integer, got {text[:40]!r}")


def _args(kind: Any) -> tuple[Any, ...]:
    return tuple(getattr(kind, "__args__", ()))


def is_required(attribute: attrs.Attribute[Any]) -> bool:
    return attribute.default is NOTHING


__all__ = [
    "CONVERTER",
    "from_text",
    "hints",
    "is_required",
    "is_text",
    "structure",
    "unstructure",
    "wire",
    "wire_name",
]
