"""The derived document against the specification's, for all that is implemented."""

from __future__ import annotations

from typing import Any

import pytest

from chatproto.operations.table import OPERATIONS
from chatproto.wire.schema import openapi
from tests.conformance import matrix_spec

DOCUMENT = openapi(OPERATIONS, version="0")
MATRIX = sorted(
    (op for op in OPERATIONS if op.path.startswith("/_matrix")), key=lambda op: op.name
)


def follow(node: Any) -> Any:
    while "$ref" in node:
        target: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


@pytest.fixture(params=MATRIX, ids=lambda op: op.name)
def pair(request: pytest.FixtureRequest) -> Any:
    """Our description of an operation, the specification's, and the latter's file."""
    op = request.param
    found = matrix_spec.endpoint(op.verb, op.path)
    assert found is not None, f"{op.http} is not in the specification"
    path, theirs = found
    return DOCUMENT["paths"][op.path][op.verb.lower()], theirs, path


def test_nothing_more_is_required(pair: Any) -> None:
    mine, theirs, path = pair
    body = follow(mine.get("requestBody", {})).get("content", {})
    schema = follow(body.get("application/json", {}).get("schema", {}))
    needed = set(schema.get("required", ()))
    spec = matrix_spec.json_schema(theirs.get("requestBody", {}), path)
    allowed = set() if spec is None else matrix_spec.fields(*spec)[1]
    assert needed - allowed == set()
    query = {p["name"] for p in mine.get("parameters", ()) if p["in"] == "query"}
    required = {
        p["name"]
        for p in mine.get("parameters", ())
        if p["in"] == "query" and p["required"]
    }
    known = matrix_spec.parameters(theirs, path, "query")
    assert {n for n in query - set(known) if not n.startswith("org.")} == set()
    assert {n for n in required if not known.get(n)} == set()


def test_every_field_of_the_body_is_known(pair: Any) -> None:
    mine, theirs, path = pair
    spec = matrix_spec.json_schema(theirs.get("requestBody", {}), path)
    if spec is None:
        return
    body = follow(mine["requestBody"])["content"].get("application/json")
    schema = {} if body is None else follow(body["schema"])
    if not schema.get("properties"):
        return  # any object is taken
    _, needed = matrix_spec.fields(*spec)
    assert needed - set(schema["properties"]) == set()


def test_what_is_required_is_answered(pair: Any) -> None:
    mine, theirs, path = pair
    spec = matrix_spec.json_schema(theirs["responses"].get(200, {}), path)
    spec = spec or matrix_spec.json_schema(theirs["responses"].get("200", {}), path)
    if spec is None:
        return
    schema = follow(mine["responses"]["200"]["content"]["application/json"]["schema"])
    if not schema.get("properties"):
        return  # a document of the specification's own shape, passed through
    _, needed = matrix_spec.fields(*spec)
    assert needed - set(schema.get("required", ())) == set()
