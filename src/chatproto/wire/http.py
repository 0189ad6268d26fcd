"""Between operations and HTTP: routes, requests and answers, derived from the table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlencode

import attrs

from chatproto.canonical import dumps, loads
from chatproto.errors import MatrixError
from chatproto.operations.codec import (
    from_text,
    hints,
    structure,
    unstructure,
    wire_name,
)
from chatproto.operations.declare import Call, Operation, OperationTable

# Before v1.1 of the specification, v3 was called r0; old bots still call it so.
_OLD = re.compile(r"^(/_matrix/(?:client|media))/r0/")
_BRACES = re.compile(r"\{([a-z_]+)\}")


class Router:
    """Finds the operation of a request by its verb and its path as it was sent."""

    def __init__(self, table: OperationTable) -> None:
        self._routes: dict[int, list[_Route]] = {}
        for operation in table:
            for path in (operation.path, *operation.aliases):
                route = _Route(operation, path)
                self._routes.setdefault(len(route.parts), []).append(route)
        for routes in self._routes.values():
            routes.sort(key=lambda route: route.fixed, reverse=True)

    def match(self, verb: str, raw_path: str) -> tuple[Operation, dict[str, str]]:
        """The operation and the fields that its path holds.

        Raises MatrixError M_UNRECOGNIZED: 404, or 405 for another verb's path.
        """
        parts = _OLD.sub(r"\1/v3/", raw_path).split("/")
        found = self._find(verb, parts)
        if found is None and parts[-1] == "":
            found = self._find(verb, parts[:-1])
        if found is not None:
            return found
        others = self._verbs(parts)
        if others:
            message = f"this path takes {', '.join(sorted(others))}, not {verb[:10]}"
            raise MatrixError("M_UNRECOGNIZED", message, status=405)
        raise MatrixError("M_UNRECOGNIZED", "no operation has this path")

    def _find(
        self, verb: str, parts: list[str]
    ) -> tuple[Operation, dict[str, str]] | None:
        for route in self._routes.get(len(parts), ()):
            if route.operation.verb == verb:
                fields = route.match(parts)
                if fields is not None:
                    return route.operation, fields
        return None

    def _verbs(self, parts: list[str]) -> set[str]:
        routes = self._routes.get(len(parts), ())
        return {r.operation.verb for r in routes if r.match(parts) is not None}


class _Route:
    def __init__(self, operation: Operation, path: str) -> None:
        self.operation = operation
        self.parts = path.split("/")
        names = [_BRACES.fullmatch(part) for part in self.parts]
        self._names = [name.group(1) if name else None for name in names]
        self.fixed = tuple(name is None for name in self._names)

    def match(self, parts: list[str]) -> dict[str, str] | None:
        fields = {}
        for ours, name, given in zip(self.parts, self._names, parts, strict=True):
            if name is not None:
                if not given and name != "state_key":
                    return None
                fields[name] = _decoded(given)
            elif ours != given:
                return None
        return fields


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise MatrixError("M_INVALID_PARAM", "the path is not UTF-8") from None


def decode_request(
    operation: Operation,
    path_fields: dict[str, str],
    query: Sequence[tuple[str, str]],
    body: bytes,
) -> Call[Any]:
    """Make the typed request. Raises MatrixError, naming the field."""
    json: dict[str, Any] = {}
    if operation.verb != "GET":
        json = _body(operation, body)
    types = hints(operation.request)
    for field in attrs.fields(operation.request):
        name = wire_name(field)
        if field.name in path_fields:
            json[name] = path_fields[field.name]
        elif field.name in operation.query_fields:
            values = [value for key, value in query if key == name]
            if values:
                json[name] = _from_query(name, types[field.name], values)
    request: Call[Any] = structure(operation.request, json)
    return request


def _body(operation: Operation, body: bytes) -> dict[str, Any]:
    value = loads(body) if body.strip() else {}
    if not isinstance(value, dict):
        raise MatrixError("M_BAD_JSON", "the body is not a JSON object")
    if operation.body is not None:
        return {operation.body: value}
    allowed = {wire_name(f) for f in attrs.fields(operation.request)}
    taken = {*operation.path_fields, *operation.query}
    return {k: v for k, v in value.items() if k in allowed - taken}


def _from_query(name: str, kind: Any, values: list[str]) -> object:
    if getattr(kind, "__origin__", None) is tuple:
        return values
    try:
        return from_text(kind, values[-1])
    except ValueError:
        message = f"{name}={values[-1][:40]!r} is not of the right type"
        raise MatrixError("M_INVALID_PARAM", message) from None


def encode_request(
    operation: Operation,
    request: Call[Any],
) -> tuple[str, str, bytes | None]:
    """Verb, path with query, and body."""
    json = unstructure(request)
    names = {f.name: wire_name(f) for f in attrs.fields(type(request))}
    path = operation.path
    for name in operation.path_fields:
        path = path.replace(
            f"{{{name}}}", quote(str(json.get(names[name], "")), safe="")
        )
    query = list(_query_pairs(operation, json, names))
    if query:
        path = f"{path}?{urlencode(query)}"
    if operation.verb == "GET":
        return operation.verb, path, None
    if operation.body is not None:
        return operation.verb, path, dumps(json.get(names[operation.body], {}))
    wanted = {names[name] for name in operation.body_fields}
    body = {key: value for key, value in json.items() if key in wanted}
    return operation.verb, path, dumps(body)


def _query_pairs(
    operation: Operation,
    json: dict[str, Any],
    names: dict[str, str],
) -> Iterable[tuple[str, str]]:
    for name in operation.query_fields:
        value = json.get(names[name])
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, bool):
                yield names[name], "true" if each else "false"
            elif each is not None:
                yield names[name], str(each)


def decode_response(operation: Operation, body: bytes) -> Any:
    """The typed answer. Raises MatrixError if it is not what was declared."""
    value = loads(body)
    return typed_answer(operation, value)


def typed_answer(operation: Operation, value: Any) -> Any:
    """An answer that is JSON, as the type that the operation declares.

    Raises MatrixError if it is of another.
    """
    if operation.response is dict and isinstance(value, dict):
        return value
    if operation.response is tuple and isinstance(value, list):
        return tuple(value)
    if operation.response in (dict, tuple):
        message = f"{operation.name}: the answer is of another type than declared"
        raise MatrixError("M_BAD_JSON", message)
    return structure(operation.response, value)
