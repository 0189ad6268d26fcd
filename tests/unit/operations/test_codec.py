from __future__ import annotations

import attrs
import pytest
from attrs import field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.canonical import JsonObject
from chatproto.errors import MatrixError
from chatproto.ids import UserId
from chatproto.operations.account_data import SendToDevice
from chatproto.operations.codec import (
    from_text,
    hints,
    is_required,
    structure,
    unstructure,
    wire,
)
from chatproto.operations.codec import wire_name as on_the_wire
from chatproto.operations.messages import GetHistory, SendEvent
from chatproto.operations.rooms import CreateRoom, SearchPublicRooms
from chatproto.operations.table import OPERATIONS
from tests.unit.operations.requests import JSON, examples, values

ALL = pytest.mark.parametrize("operation", tuple(OPERATIONS), ids=lambda op: op.name)


@ALL
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_request_survives_the_wire(operation, data):
    request = data.draw(values(operation.request))
    assert structure(operation.request, unstructure(request)) == request


@ALL
def test_missing_field_is_named(operation):
    required = [f for f in attrs.fields(operation.request) if is_required(f)]
    if not required:
        assert structure(operation.request, {}) == operation.request()
        return
    with pytest.raises(MatrixError) as refused:
        structure(operation.request, {})
    assert refused.value.errcode == "M_MISSING_PARAM"
    assert any(on_the_wire(f) in refused.value.error for f in required)


FIELDS = [
    pytest.param(operation.request, each, id=f"{operation.name}-{each.name}")
    for operation in OPERATIONS
    for each in attrs.fields(operation.request)
]


@pytest.mark.parametrize(("request_type", "attribute"), FIELDS)
def test_wrong_type_of_any_field_is_named(request_type, attribute):
    known = {
        f: examples(hints(request_type)[f.name]) for f in attrs.fields(request_type)
    }
    good = {on_the_wire(f): known[f][0] for f in known if is_required(f)}
    name = on_the_wire(attribute)
    with pytest.raises(MatrixError) as refused:
        structure(request_type, {**good, name: known[attribute][1]})
    assert refused.value.errcode == "M_BAD_JSON"
    assert refused.value.error.startswith(f"{request_type.__name__}: expected ")
    assert refused.value.error.endswith(f" @ $.{name}")


@pytest.mark.parametrize(
    ("fields", "errcode", "named"),
    [
        ({"txn_id": 1}, "M_BAD_JSON", "txn_id"),
        ({"content": []}, "M_BAD_JSON", "content"),
        ({"content": None}, "M_BAD_JSON", "content"),
        ({"room_id": True}, "M_BAD_JSON", "room_id"),
        ({"event_type": {"a": 1}}, "M_BAD_JSON", "event_type"),
    ],
    ids=lambda value: str(value),
)
def test_wrong_type_is_named(fields, errcode, named):
    good = {"room_id": "!r:x", "event_type": "m", "txn_id": "t", "content": {}}
    with pytest.raises(MatrixError) as refused:
        structure(SendEvent, {**good, **fields})
    assert refused.value.errcode == errcode
    assert named in refused.value.error


@frozen(kw_only=True)
class Plain:
    text: str = ""
    number: int = 0
    share: float = 0.5
    flag: bool = False
    names: tuple[str, ...] = ()
    more: JsonObject = field(factory=dict)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("text", value) for value in (1, True, None, ["a"], {})),
        *(("number", value) for value in ("1", True, None, 1.0, [])),
        *(("share", value) for value in ("0.5", True, None)),
        *(("flag", value) for value in (1, 0, "true", None)),
        *(("names", value) for value in ("a", {"a": 1}, None, [1], [None])),
        *(("more", value) for value in ([], "a", None, 1)),
    ],
    ids=repr,
)
def test_nothing_is_converted(name, value):
    with pytest.raises(MatrixError, match=rf"M_BAD_JSON: .* @ \$\.{name}"):
        structure(Plain, {name: value})


def test_whole_number_is_a_number():
    assert structure(Plain, {"share": 1}) == Plain(share=1)


def test_what_is_empty_is_written():
    written = {"text": "", "number": 0, "flag": False, "names": [], "more": {}}
    assert unstructure(Plain()) == {**written, "share": 0.5}


NESTED = {
    "in_a_list": (
        CreateRoom,
        {"initial_state": [{"type": "m", "content": {}}, {"type": 5, "content": {}}]},
        "expected a string, got 5 @ $.initial_state[1].type",
    ),
    "missing_in_a_list": (
        CreateRoom,
        {"initial_state": [{"type": "m"}]},
        "missing field 'content' @ $.initial_state[0].content",
    ),
    "text_for_a_list": (
        CreateRoom,
        {"invite": "@ann:x"},
        "expected an array, got a string @ $.invite",
    ),
    "text_for_an_object": (
        SearchPublicRooms,
        {"filter": "generic_search_term"},
        "expected an object, got a string @ $.filter",
    ),
    "in_an_object": (
        SendToDevice,
        {"event_type": "m", "txn_id": "t", "messages": {"@ann:x": {"D": None}}},
        "expected an object, got null @ $.messages['@ann:x']['D']",
    ),
    "renamed": (
        GetHistory,
        {"room_id": "!r:x", "from": 3},
        "expected a string, got 3 @ $.from",
    ),
}


@pytest.mark.parametrize(("kind", "json", "why"), NESTED.values(), ids=NESTED)
def test_place_of_a_mistake_is_told(kind, json, why):
    with pytest.raises(MatrixError) as refused:
        structure(kind, json)
    assert refused.value.errcode == "M_BAD_JSON"
    assert refused.value.error == f"{kind.__name__}: {why}"


def test_only_some_mistakes_are_told():
    with pytest.raises(MatrixError) as refused:
        structure(CreateRoom, dict.fromkeys(("preset", "name", "topic", "invite"), 1))
    assert refused.value.error.count(" @ $.") == 3


@frozen(kw_only=True)
class Span:
    first: int = field(default=0, metadata=wire("org.example.first"))
    last: int

    def __attrs_post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("it ends before it begins")


def test_what_a_type_itself_refuses_is_told():
    with pytest.raises(MatrixError, match=r"M_BAD_JSON: Span: it ends before .* @ \$"):
        structure(Span, {"org.example.first": 2, "last": 1})


@ALL
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_unknown_fields_are_ignored(operation, data):
    request = data.draw(values(operation.request))
    more = data.draw(st.dictionaries(st.text(min_size=1).map("org.x.{}".format), JSON))
    assert structure(operation.request, {**more, **unstructure(request)}) == request


@ALL
def test_none_is_left_out(operation):
    absent = {f.name for f in attrs.fields(operation.request) if f.default is None}
    good = {
        on_the_wire(f): examples(hints(operation.request)[f.name])[0]
        for f in attrs.fields(operation.request)
        if is_required(f)
    }
    written = unstructure(structure(operation.request, good))
    assert not absent & written.keys()
    assert None not in written.values()


@pytest.mark.parametrize("body", [[], "text", 1, None, True], ids=repr)
def test_body_that_is_no_object_is_refused(body):
    with pytest.raises(MatrixError, match="expected an object"):
        structure(CreateRoom, body)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "12", 12),
        (int | None, "-3", -3),
        (bool, "true", True),
        (bool, "false", False),
        (int, "9007199254740991", 2**53 - 1),
        (str | None, "true", "true"),
        (UserId | None, "@ann:x", "@ann:x"),
    ],
    ids=str,
)
def test_text_of_a_query_is_typed(kind, text, value):
    assert from_text(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((int, text) for text in ("", "x", "1.5", "+1", " 5 ", "1_0", "٣")),
        *((int, text) for text in ("9007199254740992", "9" * 5_000)),
        *((bool, text) for text in ("", "True", "1")),
    ],
    ids=lambda value: str(value)[:20],
)
def test_text_of_another_type_is_refused(kind, text):
    with pytest.raises(ValueError, match="expected"):
        from_text(kind, text)
