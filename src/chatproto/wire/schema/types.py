"""JSON Schema (2020-12) of the types in which requests and answers are declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from chatproto import ids
from chatproto.canonical import JsonObject
from chatproto.operations.codec import hints, is_required, wire_name

_PLAIN: Mapping[Any, JsonObject] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bytes: {"type": "string", "contentEncoding": "binary"},
    dict: {"type": "object"},
    tuple: {"type": "array"},
    NoneType: {"type": "null"},
    Any: {},
    # The names of formats are those of the specification's own documents.
    ids.UserId: {"type": "string", "format": "mx-user-id"},
    ids.RoomId: {"type": "string", "format": "mx-room-id"},
    ids.EventId: {"type": "string", "format": "mx-event-id"},
    ids.RoomAlias: {"type": "string", "format": "mx-room-alias"},
    ids.ServerName: {"type": "string", "format": "mx-server-name"},
    ids.MxcUri: {"type": "string", "format": "mx-mxc-uri"},
}


class Schemas:
    """Collects the schemas of types under their names, for one document.

    The second class of a name, a module's perhaps, is found under its full one.
    """

    def __init__(self, where: str = "#/components/schemas/") -> None:
        self.found: dict[str, JsonObject] = {}
        self._where = where
        self._names: dict[type, str] = {}

    def of(self, kind: Any) -> JsonObject:
        """The schema of a type; that of a class is a reference.

        Raises TypeError for a type that has none.
        """
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        if hasattr(kind, "__supertype__"):
            return self.of(kind.__supertype__)
        if isinstance(kind, type) and attrs.has(kind):
            return self._reference(kind)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [each.value for each in kind]}
        return self._generic(kind, get_origin(kind), get_args(kind))

    def _generic(self, kind: Any, origin: Any, args: Sequence[Any]) -> JsonObject:
        if origin in (Union, UnionType):
            return self._union(args)
        if origin is Literal:
            return {"enum": list(args)}
        if origin is tuple and args[-1] is not ...:
            size = {"minItems": len(args), "maxItems": len(args)}
            items = [self.of(arg) for arg in args]
            return {"type": "array", "prefixItems": items, **size}
        if origin in (tuple, list, Sequence):
            return {"type": "array", "items": self.of(args[0])}
        if origin in (dict, Mapping):
            more = self.of(args[1])
            known = {"additionalProperties": more} if more else {}
            return {"type": "object", **known}
        raise TypeError(f"{kind!r} has no schema")

    def fields(self, kind: type, names: Sequence[str]) -> JsonObject:
        """An object with some of the fields of a class, under their wire names."""
        wanted = [f for f in attrs.fields(kind) if f.name in names]
        schema: JsonObject = {
            "type": "object",
            "properties": {wire_name(f): self.field(kind, f) for f in wanted},
        }
        required = [wire_name(f) for f in wanted if is_required(f)]
        return schema | ({"required": required} if required else {})

    def field(self, kind: type, attribute: attrs.Attribute[Any]) -> JsonObject:
        """The schema of a field, with its default where that is a plain value."""
        declared = hints(kind)[attribute.name]
        if attribute.default is None:
            options = [o for o in get_args(declared) if o is not NoneType]
            return self._union(options) if options else self.of(declared)
        schema = self.of(declared)
        if isinstance(attribute.default, str | int | float):
            schema["default"] = attribute.default
        return schema

    def _union(self, options: Sequence[Any]) -> JsonObject:
        schemas = [self.of(option) for option in options]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}

    def _reference(self, kind: type) -> JsonObject:
        name = self._names.get(kind)
        if name is None:
            name = self._names[kind] = self._free_name(kind)
            self.found[name] = {}  # a type may contain itself
            schema = self.fields(kind, [f.name for f in attrs.fields(kind)])
            doc = first_paragraph(kind.__doc__)
            self.found[name] = {**({"description": doc} if doc else {}), **schema}
        return {"$ref": self._where + name}

    def _free_name(self, kind: type) -> str:
        name = kind.__name__
        return f"{kind.__module__}.{name}" if name in self.found else name


def first_paragraph(doc: str | None) -> str:
    """The first paragraph of a docstring, on one line."""
    text = (doc or "").strip()
    if text.startswith("Method generated by attrs"):
        return ""
    return " ".join(text.split("\n\n", 1)[0].split())
