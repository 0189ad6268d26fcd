"""The HTTP binding as an OpenAPI 3.1 document."""

from __future__ import annotations

import re
from typing import Any

import attrs

from chatproto.canonical import JsonObject
from chatproto.errors import ERRCODES
from chatproto.operations.codec import hints, is_required, wire_name
from chatproto.operations.declare import Access, Operation, OperationTable
from chatproto.wire.schema.types import Schemas, first_paragraph

# What any call may be refused with, beyond what its operation declares.
COMMON_ERRORS = (
    "M_BAD_JSON",
    "M_NOT_JSON",
    "M_MISSING_PARAM",
    "M_INVALID_PARAM",
    "M_LIMIT_EXCEEDED",
)
_TOKEN_ERRORS = ("M_MISSING_TOKEN", "M_UNKNOWN_TOKEN", "M_USER_LOCKED")
_BRACES = re.compile(r"\{([a-z_]+)\}")
ERROR: JsonObject = {
    "type": "object",
    "description": "Why a call was refused (Matrix specification, Standard error "
    "response).",
    "properties": {
        "errcode": {"type": "string"},
        "error": {"type": "string"},
        "retry_after_ms": {"type": "integer"},
        "soft_logout": {"type": "boolean"},
    },
    "required": ["errcode", "error"],
}
STAGES: JsonObject = {
    "type": "object",
    "description": "What has to be proved first (Matrix specification, "
    "User-Interactive Authentication API).",
    "properties": {
        "flows": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "stages": {"type": "array", "items": {"type": "string"}}
                },
                "required": ["stages"],
            },
        },
        "params": {"type": "object"},
        "session": {"type": "string"},
        "completed": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["flows"],
}
_RETRY_AFTER: JsonObject = {
    "description": "Seconds to wait before trying again.",
    "schema": {"type": "integer"},
}


def openapi(
    table: OperationTable, *, version: str, url: str = "http://127.0.0.1:8008"
) -> JsonObject:
    """The document of a server with these operations.

    `version` is the server's, `url` where it is reached. Raises TypeError for a field
    whose type has no schema.
    """
    schemas = Schemas()
    schemas.found |= {"Error": ERROR, "Stages": STAGES}
    paths: dict[str, JsonObject] = {}
    for operation in table:
        verb = operation.verb.lower()
        paths.setdefault(operation.path, {})[verb] = _operation(operation, schemas)
        for number, alias in enumerate(operation.aliases, 1):
            paths.setdefault(alias, {})[verb] = _alias(
                operation, alias, number, schemas
            )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chatproto",
            "version": version,
            "description": "The HTTP binding: a part of the Matrix Client-Server API, "
            "and what chatproto adds under /_chatproto.",
        },
        "servers": [{"url": url}],
        "tags": [{"name": name} for name in sorted({_tag(op) for op in table})],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.found.items())),
            "responses": {
                "Error": {
                    "description": "The call was refused.",
                    "content": _json({"$ref": "#/components/schemas/Error"}),
                }
            },
            "securitySchemes": {"accessToken": {"type": "http", "scheme": "bearer"}},
        },
    }


def errcodes(operation: Operation) -> tuple[str, ...]:
    """Every errcode with which a call of the operation may be refused."""
    codes = [*operation.errors, *COMMON_ERRORS]
    if operation.access is not Access.PUBLIC:
        codes += _TOKEN_ERRORS
    if operation.access is Access.ADMIN:
        codes.append("M_FORBIDDEN")
    if _asks_for_proof(operation):
        codes.append("M_UNAUTHORIZED")
    return tuple(dict.fromkeys(codes))


def _asks_for_proof(operation: Operation) -> bool:
    return "auth" in operation.body_fields


def _operation(operation: Operation, schemas: Schemas) -> JsonObject:
    described: JsonObject = {
        "operationId": operation.name,
        "summary": first_paragraph(operation.doc),
        "description": operation.doc,
        "tags": [_tag(operation)],
        "parameters": [
            *(_in_path(operation, name, schemas) for name in operation.path_fields),
            *(_in_query(operation, name, schemas) for name in _query(operation)),
        ],
        "responses": {
            "200": _answer(operation, schemas),
            **_refusals(operation),
            "default": {"$ref": "#/components/responses/Error"},
        },
        "x-errcodes": list(errcodes(operation)),
    }
    body = _body(operation, schemas)
    if body is not None:
        described["requestBody"] = body
    if operation.access is not Access.PUBLIC:
        described["security"] = [{"accessToken": []}]
    return described


def _alias(
    operation: Operation, path: str, number: int, schemas: Schemas
) -> JsonObject:
    """The same under another path; what that does not name has its default."""
    described = _operation(operation, schemas)
    named = _BRACES.findall(path)
    return described | {
        "operationId": f"{operation.name}.alias{number}",
        "parameters": [
            p
            for p in described["parameters"]
            if p["in"] != "path" or p["name"] in named
        ],
        "x-alias-of": operation.name,
    }


def _tag(operation: Operation) -> str:
    return operation.name.rpartition(".")[0] or operation.name


def _refusals(operation: Operation) -> dict[str, JsonObject]:
    by_status: dict[int, list[str]] = {}
    for errcode in errcodes(operation):
        by_status.setdefault(ERRCODES.get(errcode, 400), []).append(errcode)
    refusals = {
        str(status): _refusal(by_status[status]) for status in sorted(by_status)
    }
    refusals["429"]["headers"] = {"Retry-After": _RETRY_AFTER}
    if _asks_for_proof(operation):
        error = refusals["401"]["content"]["application/json"]["schema"]
        stages = {"allOf": [error, {"$ref": "#/components/schemas/Stages"}]}
        refusals["401"]["content"] = _json({"anyOf": [stages, error]})
    return refusals


def _refusal(errcodes: list[str]) -> JsonObject:
    """Examples only: a module's rule may refuse with an errcode of its own."""
    schema = {
        "$ref": "#/components/schemas/Error",
        "properties": {"errcode": {"examples": errcodes}},
    }
    return {"description": " or ".join(errcodes), "content": _json(schema)}


def _query(operation: Operation) -> list[str]:
    return [n for n in operation.query_fields if n not in operation.path_fields]


def _attribute(operation: Operation, name: str) -> attrs.Attribute[Any]:
    return next(f for f in attrs.fields(operation.request) if f.name == name)


def _in_path(operation: Operation, name: str, schemas: Schemas) -> JsonObject:
    kind = hints(operation.request)[name]
    return {"name": name, "in": "path", "required": True, "schema": schemas.of(kind)}


def _in_query(operation: Operation, name: str, schemas: Schemas) -> JsonObject:
    attribute = _attribute(operation, name)
    return {
        "name": wire_name(attribute),
        "in": "query",
        "required": is_required(attribute),
        "schema": schemas.field(operation.request, attribute),
    }


def _body(operation: Operation, schemas: Schemas) -> JsonObject | None:
    if operation.verb == "GET":
        return None
    if operation.by_hand:
        return {"required": True, "content": _bytes()}
    if operation.body is not None:
        attribute = _attribute(operation, operation.body)
        schema = schemas.field(operation.request, attribute)
        return {"required": is_required(attribute), "content": _json(schema)}
    if not operation.body_fields:
        return None
    schema = schemas.fields(operation.request, operation.body_fields)
    return {"required": "required" in schema, "content": _json(schema)}


def _answer(operation: Operation, schemas: Schemas) -> JsonObject:
    if operation.response is bytes:
        return {"description": "The file.", "content": _bytes()}
    schema = schemas.of(operation.response)
    return {"description": "It is done.", "content": _json(schema)}


def _json(schema: JsonObject) -> JsonObject:
    return {"application/json": {"schema": schema}}


def _bytes() -> JsonObject:
    return {"*/*": {"schema": {"type": "string", "contentEncoding": "binary"}}}
