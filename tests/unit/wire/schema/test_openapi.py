from __future__ import annotations

import re

import attrs
import pytest
from chatproto_polls import MODULE
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from chatproto.canonical import loads
from chatproto.errors import ERRCODES
from chatproto.operations.codec import hints, is_required, unstructure, wire_name
from chatproto.operations.table import OPERATIONS
from chatproto.wire.http import encode_request
from chatproto.wire.schema import openapi
from tests.unit.operations.requests import examples, values

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


def test_no_two_paths_are_the_same():
    paths = list(DOCUMENT["paths"])
    assert len({re.sub(r"\{[^}]*\}", "{}", path) for path in paths}) == len(paths)


def test_address_is_the_given_one():
    document = openapi(TABLE, version="1", url="https://chat.example.org")
    assert document["servers"] == [{"url": "https://chat.example.org"}]


def test_tags_are_the_families():
    named = {tag["name"] for tag in DOCUMENT["tags"]}
    assert {"room", "sync", "org.example.polls"} <= named
    assert named == {described(operation)["tags"][0] for operation in TABLE}


@pytest.mark.parametrize(
    ("operation", "alias"),
    [
        pytest.param(operation, alias, id=f"{operation.verb} {alias}")
        for operation in TABLE
        for alias in operation.aliases
    ],
)
def test_alias_is_described_too(operation, alias):
    there = DOCUMENT["paths"][alias][operation.verb.lower()]
    same = ("tags", "summary", "responses", "requestBody", "security")
    assert {k: there.get(k) for k in same} == {
        k: described(operation).get(k) for k in same
    }
    assert there["x-alias-of"] == operation.name
    in_path = {p["name"] for p in there["parameters"] if p["in"] == "path"}
    assert in_path == set(re.findall(r"\{([a-z_]+)\}", alias))


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
def test_every_errcode_is_under_its_status(operation):
    responses = described(operation)["responses"]
    for errcode in described(operation)["x-errcodes"]:
        assert errcode in responses[str(ERRCODES[errcode])]["description"]
    assert "M_LIMIT_EXCEEDED" in responses["429"]["description"]
    assert responses["default"] == {"$ref": "#/components/responses/Error"}
    needs_token = "M_MISSING_TOKEN" in described(operation)["x-errcodes"]
    assert needs_token == (operation.access.value != "public")


@ALL
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_request_fits_its_description(operation, data):
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


BODY_FIELDS = [
    pytest.param(operation, attribute, id=f"{operation.name}-{attribute.name}")
    for operation in TABLE
    for attribute in attrs.fields(operation.request)
    if attribute.name in operation.body_fields and not operation.by_hand
]


@pytest.mark.parametrize(("operation", "attribute"), BODY_FIELDS)
def test_wrong_type_of_any_field_does_not_fit(operation, attribute):
    types = hints(operation.request)
    body = {
        wire_name(f): examples(types[f.name])[0]
        for f in attrs.fields(operation.request)
        if f.name in operation.body_fields and is_required(f)
    }
    assert errors(body_schema(operation), body) == []
    wrong = {**body, wire_name(attribute): examples(types[attribute.name])[1]}
    assert errors(body_schema(operation), wrong) != []
    if is_required(attribute):
        del body[wire_name(attribute)]
        assert errors(body_schema(operation), body) != []


@ALL
def test_answer_of_another_type_does_not_fit(operation):
    if operation.response is bytes:
        assert described(operation)["responses"]["200"]["content"].keys() == {"*/*"}
        return
    schema = described(operation)["responses"]["200"]["content"]["application/json"]
    assert errors(schema["schema"], "text") != []
    if attrs.has(operation.response):
        needed = [f for f in attrs.fields(operation.response) if is_required(f)]
        assert bool(errors(schema["schema"], {})) == bool(needed)


@pytest.mark.parametrize(
    "json",
    [
        {"errcode": "M_UNKNOWN_TOKEN", "error": "no"},
        {
            "errcode": "M_UNAUTHORIZED",
            "error": "prove it",
            "flows": [{"stages": ["m.login.password"]}],
            "params": {},
            "session": "s",
            "completed": [],
        },
    ],
    ids=["token", "stages"],
)
def test_refusal_without_proof_is_described(json):
    responses = described(TABLE.by_name["account.change_password"])["responses"]
    schema = responses["401"]["content"]["application/json"]["schema"]
    assert errors(schema, json) == []
    assert errors(schema, {"flows": "none"}) != []
