from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote

import attrs
import pytest
from attrs import field, frozen
from chatproto_polls import MODULE
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.canonical import dumps
from chatproto.errors import MatrixError
from chatproto.operations.codec import is_required, unstructure, wire_name
from chatproto.operations.declare import Call, Empty, Operation, OperationTable
from chatproto.operations.table import OPERATIONS
from chatproto.wire.http import (
    Router,
    decode_request,
    decode_response,
    encode_request,
)
from tests.unit.operations.requests import JSON, values

TABLE = OPERATIONS.with_operations(MODULE.operations)
ROUTER = Router(TABLE)
ALL = pytest.mark.parametrize("operation", tuple(TABLE), ids=lambda op: op.name)
SPOKEN = [operation for operation in TABLE if not operation.by_hand]
ROUTES = [
    pytest.param(operation, path, id=f"{operation.verb} {path}")
    for operation in TABLE
    for path in (operation.path, *operation.aliases)
]
ROOM = "/_matrix/client/v3/rooms/!r:x"
BRACES = re.compile(r"\{([a-z_]+)\}")
QUERY_NAMES = sorted(
    {
        wire_name(f)
        for operation in TABLE
        for f in attrs.fields(operation.request)
        if f.name in operation.query_fields
    }
)


def refused(function, *arguments) -> MatrixError:
    with pytest.raises(MatrixError) as caught:
        function(*arguments)
    return caught.value


def decode(name: str, query: str = "", body: bytes = b"", **path_fields: str) -> Any:
    pairs = parse_qsl(query, keep_blank_values=True)
    return decode_request(TABLE.by_name[name], path_fields, pairs, body)


def encode_reply(answer: Any) -> bytes:
    return dumps(list(answer) if isinstance(answer, tuple) else unstructure(answer))


def filled(path: str, value: str) -> str:
    return BRACES.sub(quote(value, safe=""), path)


# paths


@pytest.mark.parametrize(("operation", "path"), ROUTES)
@pytest.mark.parametrize("value", ["!r:x", "a/b", "%2F", "Привет ?#", "."], ids=repr)
def test_every_path_finds_its_operation(operation, path, value):
    found, fields = ROUTER.match(operation.verb, filled(path, value))
    assert found is operation
    assert fields == dict.fromkeys(BRACES.findall(path), value)


@pytest.mark.parametrize(("operation", "path"), ROUTES)
def test_wrong_verb_is_405(operation, path):
    error = refused(ROUTER.match, "PATCH", filled(path, "x"))
    assert (error.errcode, error.status) == ("M_UNRECOGNIZED", 405)
    assert operation.verb in error.error


@pytest.mark.parametrize(("operation", "path"), ROUTES)
def test_slash_at_the_end_is_forgiven(operation, path):
    found, _ = ROUTER.match(operation.verb, f"{filled(path, 'x')}/")
    assert found is operation


UNKNOWN = {
    "root": "/",
    "nothing": "",
    "no_leading_slash": "_matrix/client/versions",
    "other_case": "/_matrix/client/V3/login",
    "longer": "/_matrix/client/v3/login/x",
    "shorter": "/_matrix/client/v3",
    "two_slashes_at_the_end": "/_matrix/client/v3/login//",
    "empty_field": "/_matrix/client/v3/rooms//join",
    "escaped_slash": "/_matrix/client/v3%2Flogin",
}


@pytest.mark.parametrize("path", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("verb", ["GET", "POST", "BREW"])
def test_unknown_path_is_404(verb, path):
    error = refused(ROUTER.match, verb, path)
    assert (error.errcode, error.status) == ("M_UNRECOGNIZED", 404)


@frozen(kw_only=True)
class Show(Call[Empty]):
    """Show one."""

    key: str


@frozen(kw_only=True)
class ShowAll(Call[Empty]):
    """Show all."""


ONE = Operation(name="x.one", http="GET /x/{key}", request=Show, response=Empty)
EVERY = Operation(name="x.all", http="GET /x/all", request=ShowAll, response=Empty)


@pytest.mark.parametrize("table", [(ONE, EVERY), (EVERY, ONE)], ids=["after", "before"])
def test_fixed_part_goes_before_a_field(table):
    router = Router(OperationTable(table))
    assert router.match("GET", "/x/all") == (EVERY, {})
    assert router.match("GET", "/x/al") == (ONE, {"key": "al"})


def test_empty_state_key_may_be_in_the_path():
    found, fields = ROUTER.match("GET", f"{ROOM}/state/m.room.name/")
    assert found.name == "state.get"
    assert fields == {"room_id": "!r:x", "event_type": "m.room.name", "state_key": ""}


@pytest.mark.parametrize("part", ["%FF", "%C3", "%ED%A0%80"], ids=str)
def test_path_that_is_not_utf8_is_refused(part):
    error = refused(ROUTER.match, "POST", f"/_matrix/client/v3/rooms/{part}/join")
    assert (error.errcode, error.status) == ("M_INVALID_PARAM", 400)


def test_plus_in_the_path_is_a_plus():
    _, fields = ROUTER.match("POST", "/_matrix/client/v3/join/%23a+b:x")
    assert fields == {"id_or_alias": "#a+b:x"}


@settings(deadline=None)
@given(st.text(max_size=30).map("/".__add__), st.sampled_from(["GET", "PUT", ""]))
def test_any_path_gives_operation_or_refusal(path, verb):
    with suppress(MatrixError):
        operation, _ = ROUTER.match(verb, path)
        assert operation.verb == verb


# requests


@ALL
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_request_survives_the_way(operation, data):
    if operation.by_hand:
        return
    request = data.draw(values(operation.request).filter(_has_path(operation)))
    verb, path, body = encode_request(operation, request)
    raw_path, _, query = path.partition("?")
    found, fields = ROUTER.match(verb, raw_path)
    assert found is operation
    pairs = parse_qsl(query, keep_blank_values=True)
    assert decode_request(found, fields, pairs, body or b"") == request


def _has_path(operation: Operation) -> Any:
    """No field of a path is empty but a state key."""
    names = [name for name in operation.path_fields if name != "state_key"]
    return lambda request: all(getattr(request, name) != "" for name in names)


@ALL
def test_missing_field_is_missing_param(operation):
    path = dict.fromkeys(operation.path_fields, "x")
    required = [
        wire_name(f)
        for f in attrs.fields(operation.request)
        if is_required(f) and f.name not in {*path, operation.body}
    ]
    if required:
        error = refused(decode_request, operation, path, [], b"")
        assert (error.errcode, error.status) == ("M_MISSING_PARAM", 400)
        assert all(f"missing field {name!r}" in error.error for name in required[:3])
    else:
        request = decode_request(operation, path, [], b"")
        assert all(getattr(request, name) == "x" for name in path)


NO_JSON = {
    "cut_off": (b"{", "M_NOT_JSON"),
    "no_utf8": (b'{"a":"\xff"}', "M_NOT_JSON"),
    "form": (b"user_id=%40ann", "M_NOT_JSON"),
    "two_values": (b"{} {}", "M_NOT_JSON"),
    "nan": (b'{"a":NaN}', "M_NOT_JSON"),
    "duplicate_key": (b'{"a":1,"a":2}', "M_BAD_JSON"),
    "huge_integer": (b'{"a":9007199254740992}', "M_BAD_JSON"),
    "too_deep": (b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "M_BAD_JSON"),
    "list": (b"[]", "M_BAD_JSON"),
    "text": (b'"a"', "M_BAD_JSON"),
    "null": (b"null", "M_BAD_JSON"),
}


@pytest.mark.parametrize(("body", "errcode"), NO_JSON.values(), ids=NO_JSON)
@pytest.mark.parametrize("name", ["room.invite", "tag.set", "device.delete"])
def test_body_that_is_no_object_is_refused(name, body, errcode):
    path = dict.fromkeys(TABLE.by_name[name].path_fields, "x")
    error = refused(decode_request, TABLE.by_name[name], path, [], body)
    assert (error.errcode, error.status) == (errcode, 400)


@pytest.mark.parametrize("body", [b"", b"  \n", b"{}"], ids=repr)
def test_empty_body_is_an_empty_object(body):
    assert decode("room.leave", body=body, room_id="!r:x").reason is None


def test_body_of_a_get_is_not_read():
    assert decode("room.history", body=b"no JSON", room_id="!r:x").limit == 10


BAD_QUERIES = {
    "text_for_number": ("room.history", "limit=many", "limit='many'"),
    "nothing_for_number": ("room.history", "limit=", "limit=''"),
    "fraction": ("room.history", "limit=1.5", "limit='1.5'"),
    "too_large": ("room.history", f"limit={'9' * 30}", "limit='9999"),
    "other_digits": ("room.history", "limit=%D9%A3", "limit="),
    "yes_for_true": ("relations.list", "recurse=yes", "recurse='yes'"),
    "upper_case": ("relations.list", "recurse=True", "recurse='True'"),
}


@pytest.mark.parametrize(
    ("name", "query", "why"), BAD_QUERIES.values(), ids=BAD_QUERIES
)
def test_query_of_wrong_type_is_invalid_param(name, query, why):
    error = refused(decode, name, query)
    assert (error.errcode, error.status) == ("M_INVALID_PARAM", 400)
    assert error.error.startswith(why)


def test_query_is_typed():
    ids = {"room_id": "!r:x", "event_id": "$e"}
    read = decode("relations.list", "limit=5&recurse=true&from=s1&dir=f", **ids)
    assert (read.limit, read.recurse, read.from_, read.dir) == (5, True, "s1", "f")
    assert read.to is None


def test_last_of_repeated_parameters_counts():
    assert decode("room.history", "limit=5&limit=7", room_id="!r:x").limit == 7


def test_list_takes_every_parameter():
    joined = decode("room.join_by_alias", "via=a&via=b", id_or_alias="#r:x")
    assert joined.via == ("a", "b")


def test_unknown_parameters_are_ignored():
    assert decode("room.history", "org.example=1", room_id="!r:x").limit == 10


# A field has one place; what stands in another is not taken for it.
ELSEWHERE = {
    "path_in_body": ("room.kick", "", {"room_id": "!other:x"}, "room_id", "!r:x"),
    "path_in_query": ("room.kick", "room_id=!other:x", {}, "room_id", "!r:x"),
    "body_in_query": ("room.kick", "reason=loud", {}, "reason", None),
    "query_in_body": ("account.register", "", {"kind": "guest"}, "kind", "user"),
    "list_of_query_in_body": ("room.knock", "", {"via": ["evil"]}, "via", ()),
    "wire_name_of_the_body": (
        "receipt.set_markers",
        "",
        {"read": "$1", "m.read": "$2"},
        "read",
        "$2",
    ),
}


@pytest.mark.parametrize(
    ("name", "query", "body", "field_name", "value"), ELSEWHERE.values(), ids=ELSEWHERE
)
def test_field_counts_only_in_its_place(name, query, body, field_name, value):
    path = dict.fromkeys(TABLE.by_name[name].path_fields, "!r:x")
    known = {"user_id": "@ann:x"} if name == "room.kick" else {}
    request = decode(name, query, dumps({**known, **body}), **path)
    assert getattr(request, field_name) == value


def test_whole_body_is_the_content():
    content = {"room_id": "!other:x", "txn_id": 5, "org.example": [1]}
    path = {"room_id": "!r:x", "event_type": "m", "txn_id": "t"}
    sent = decode("room.send", body=dumps(content), **path)
    assert (sent.room_id, sent.txn_id, sent.content) == ("!r:x", "t", content)


@frozen(kw_only=True)
class Ask(Call[Empty]):
    """Ask."""

    key: str = field(metadata={"wire": "org.example.key"})
    page: int = field(default=1, metadata={"wire": "org.example.page"})
    note: str | None = field(default=None, metadata={"wire": "org.example.note"})


def test_renamed_fields_survive_the_way():
    asked = Operation(
        name="x.ask",
        http="PUT /x/{key}",
        query=("page",),
        request=Ask,
        response=Empty,
    )
    request = Ask(key="a b", page=2, note="c")
    verb, path, body = encode_request(asked, request)
    assert (verb, path, body) == (
        "PUT",
        "/x/a%20b?org.example.page=2",
        b'{"org.example.note":"c"}',
    )
    found, fields = Router(OperationTable((asked,))).match(verb, path.split("?")[0])
    pairs = [("org.example.page", "2")]
    assert decode_request(found, fields, pairs, body) == request


@settings(deadline=None)
@given(
    operation=st.sampled_from(SPOKEN),
    query=st.lists(st.tuples(st.sampled_from(QUERY_NAMES), st.text(max_size=8))),
    body=st.binary(max_size=20) | JSON.map(dumps),
)
def test_any_request_is_read_or_refused(operation, query, body):
    path = dict.fromkeys(operation.path_fields, "x")
    with suppress(MatrixError):
        request = decode_request(operation, path, query, body)
        assert type(request) is operation.request


# answers


@pytest.mark.parametrize("operation", SPOKEN, ids=lambda op: op.name)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_any_answer_survives_the_way(operation, data):
    answer = data.draw(values(operation.response))
    assert decode_response(operation, encode_reply(answer)) == answer


BAD_ANSWERS = {
    "no_json": ("room.create", b"<html>"),
    "list": ("room.create", b"[]"),
    "missing_field": ("room.create", b"{}"),
    "wrong_type": ("room.create", b'{"room_id":1}'),
    "list_for_object": ("state.get", b"[]"),
    "text_for_object": ("sync", b'"x"'),
    "object_for_list": ("state.list", b"{}"),
    "text_for_list": ("state.list", b'"x"'),
    "number_for_list": ("state.list", b"5"),
}


@pytest.mark.parametrize(("name", "body"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_answer_of_another_type_is_matrix_error(name, body):
    error = refused(decode_response, TABLE.by_name[name], body)
    assert error.errcode in ("M_BAD_JSON", "M_NOT_JSON", "M_MISSING_PARAM")


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ("/_matrix/client/r0/sync", "/_matrix/client/v3/sync"),
        (
            "/_matrix/client/r0/rooms/!r0%2Fa/state",
            "/_matrix/client/v3/rooms/!r0%2Fa/state",
        ),
        ("/_matrix/media/r0/config", "/_matrix/media/v3/config"),
    ],
)
def test_old_bots_find_their_paths(old, today):
    router = Router(OPERATIONS)

    def found(path):
        try:
            return router.match("GET", path)
        except MatrixError as error:
            return error.errcode

    assert found(old) == found(today)


def test_only_the_version_is_called_r0():
    with pytest.raises(MatrixError):
        Router(OPERATIONS).match("GET", "/_matrix/client/v3/r0/sync")
