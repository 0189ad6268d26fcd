from __future__ import annotations

import pytest
from attrs import frozen

from chatproto.operations.declare import Call, Empty, Operation, OperationTable, Rate
from chatproto.operations.table import OPERATIONS


@frozen(kw_only=True)
class Ask(Call[Empty]):
    """Ask."""

    room_id: str
    limit: int = 1
    note: str | None = None


@frozen(kw_only=True)
class Silent(Call[Empty]):
    room_id: str


def ask(**more):
    known = {
        "name": "x.ask",
        "http": "PUT /x/{room_id}",
        "request": Ask,
        "response": Empty,
    }
    return Operation(**{**known, **more})


@pytest.mark.parametrize(
    ("more", "body", "query"),
    [
        ({}, ("limit", "note"), ()),
        ({"query": ("limit",)}, ("note",), ("limit",)),
        ({"http": "GET /x/{room_id}"}, (), ("limit", "note")),
        ({"body": "note"}, (), ()),
    ],
    ids=["body", "some in the query", "get", "one is the body"],
)
def test_fields_travel_where_declared(more, body, query):
    operation = ask(**more)
    assert (operation.body_fields, operation.query_fields) == (body, query)
    assert operation.path_fields == ("room_id",)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"http": "PUT /x/{room}"}, "no field 'room'"),
        ({"query": ("page",)}, "no field 'page'"),
        ({"body": "content"}, "no field 'content'"),
        ({"once_by": "txn_id"}, "no field 'txn_id'"),
        ({"aliases": ("/y/{id}",)}, "no field 'id'"),
        ({"request": Silent}, "no docstring"),
    ],
    ids=["path", "query", "body", "once", "alias", "documentation"],
)
def test_wrong_declaration_is_refused(more, message):
    with pytest.raises(TypeError, match=message):
        ask(**more)


@frozen(kw_only=True)
class Other(Call[Empty]):
    """Ask otherwise."""

    room: str


def other(**more):
    return ask(**{"name": "x.other", "http": "PUT /y/{room}", "request": Other, **more})


CLASHES = {
    "all": ask(),
    "name": other(name="x.ask"),
    "request": other(request=Ask, http="PUT /y/{room_id}"),
    "path": other(http="PUT /x/{room}"),
    "alias": other(aliases=("/x/{room}",)),
    "its_own_alias": other(aliases=("/y/{room}",)),
}


@pytest.mark.parametrize("clashing", CLASHES.values(), ids=CLASHES)
def test_clashing_operations_are_refused(clashing):
    with pytest.raises(TypeError, match=rf"clash: \['{clashing.name}'\]"):
        OperationTable((ask(), clashing))


def test_other_verb_is_another_route():
    assert len(OperationTable((ask(), other(http="GET /x/{room}")))) == 2


def test_table_finds_by_name_and_request():
    table = OPERATIONS.with_operations((ask(),))
    assert table.by_name["x.ask"] is table.of(Ask(room_id="r"))
    assert len(table) == len(OPERATIONS) + 1


@pytest.mark.parametrize("operation", tuple(OPERATIONS), ids=lambda op: op.name)
def test_every_operation_is_described(operation):
    assert operation.doc.endswith((".", "`"))
    assert operation.path.startswith(("/_matrix/", "/_chatproto/", "/.well-known/"))
    assert operation.verb in ("GET", "PUT", "POST", "DELETE")
    assert (operation.verb == "GET") <= (operation.rate is not Rate.WRITE)
