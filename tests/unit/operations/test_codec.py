from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.errors import MatrixError
from chatproto.operations.codec import from_text, is_required, structure, unstructure
from chatproto.operations.codec import wire_name as on_the_wire
from chatproto.operations.messages import SendEvent
from chatproto.operations.rooms import CreateRoom
from chatproto.operations.table import OPERATIONS
from tests.unit.operations.requests import values

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


def test_field_inside_a_list_is_named():
    with pytest.raises(MatrixError, match=r"initial_state\[1\]"):
        state = [{"type": "m", "content": {}}, {"type": 5, "content": {}}]
        structure(CreateRoom, {"initial_state": state})


def test_unknown_fields_are_ignored():
    assert structure(CreateRoom, {"org.example": 1}) == CreateRoom()


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
        (str | None, "true", "true"),
    ],
    ids=str,
)
def test_text_of_a_query_is_typed(kind, text, value):
    assert from_text(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text"), [(int, "x"), (int, "1.5"), (bool, "True"), (bool, "1")], ids=str
)
def test_text_of_another_type_is_refused(kind, text):
    with pytest.raises(ValueError, match=r"expected|invalid"):
        from_text(kind, text)
