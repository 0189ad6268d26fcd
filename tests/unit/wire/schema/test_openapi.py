from __future__ import annotations

import pytest
from chatproto_polls import MODULE
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from chatproto.operations.codec import unstructure
from chatproto.operations.table import OPERATIONS
from chatproto.wire.http import encode_request
from chatproto.wire.schema import openapi
from tests.unit.operations.requests import values

TABLE = OPERATIONS.with_operations(MODULE.operations)
DOCUMENT = openapi(TABLE, version="1.2.3")
ALL = pytest.mark.parametrize("operation", tuple(TABLE), ids=lambda op: op.name)


def described(operation):
    return DOCUMENT["paths"][operation.path][operation.verb.lower()]


def body_schema(operation):
    body = described(operation).get("requestBody", {"content": {}})
    return body["content"].get("application/json", {"schema": {}})["schema"]


def errors(schema, value):
    whole = {**schema, "components": DOCUMENT["components"]}
    return [e.message for e in Draft202012Validator(whole).iter_errors(value)]


def test_document_is_valid():
    validate(DOCUMENT)
    assert DOCUMENT["info"]["version"] == "1.2.3"


@ALL
def test_every_operation_is_there(operation):
    there = described(operation)
    assert there["operationId"] == operation.name
    assert there["summary"]
    in_path = [p["name"] for p in there.get("parameters", ()) if p["in"] == "path"]
    assert tuple(in_path) == operation.path_fields
    assert set(operation.errors) <= set(there["x-errcodes"])
    assert ("security" in there) == (operation.access.value != "public")


@ALL
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_request_fits_its_description(operation, data):
    from chatproto.canonical import loads

    if operation.by_hand:
        assert (
            "application/json"
            not in described(operation).get("requestBody", {"content": {}})["content"]
        )
        return
    request = data.draw(values(operation.request))
    _, path, body = encode_request(operation, request)
    known = {p["name"] for p in described(operation).get("parameters", ())}
    sent = {pair.split("=")[0] for pair in path.partition("?")[2].split("&") if pair}
    assert sent <= known
    if body is not None and "requestBody" in described(operation):
        assert errors(body_schema(operation), loads(body)) == []


@ALL
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_answer_fits_its_description(operation, data):
    if operation.response is bytes:
        assert "*/*" in described(operation)["responses"]["200"]["content"]
        return
    content = described(operation)["responses"]["200"]["content"]
    answer = data.draw(values(operation.response))
    json = list(answer) if isinstance(answer, tuple) else unstructure(answer)
    assert errors(content["application/json"]["schema"], json) == []


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("room.create", {"name": 5}),
        ("room.create", {"invite": "@a:x"}),
        ("room.create", {"initial_state": [{"content": {}}]}),
        ("room.invite", {}),
        ("presence.set", {"presence": None}),
    ],
    ids=str,
)
def test_wrong_request_does_not_fit(name, body):
    assert errors(body_schema(TABLE.by_name[name]), body)
