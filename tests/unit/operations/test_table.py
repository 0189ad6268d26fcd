from __future__ import annotations

from typing import get_args, get_origin

import attrs
import pytest
from chatproto_polls import MODULE

from chatproto.errors import ERRCODES
from chatproto.ids import TxnId
from chatproto.operations.codec import hints, is_required, wire_name
from chatproto.operations.declare import Access, Rate
from chatproto.operations.table import OPERATIONS

TABLE = OPERATIONS.with_operations(MODULE.operations)
ALL = pytest.mark.parametrize("operation", tuple(TABLE), ids=lambda op: op.name)
SECRETS = ("token", "password", "ticket", "auth")


@ALL
def test_answer_is_the_one_that_the_request_promises(operation):
    (promised,) = get_args(operation.request.__orig_bases__[0])
    assert operation.response is (get_origin(promised) or promised)


@ALL
def test_errcodes_are_known(operation):
    assert set(operation.errors) <= ERRCODES.keys()
    assert len(set(operation.errors)) == len(operation.errors)


@ALL
def test_get_changes_nothing(operation):
    paid_as_login = operation.rate is Rate.REGISTER  # asking costs as much as trying
    assert operation.verb != "GET" or not operation.writes or paid_as_login


@ALL
def test_transaction_makes_a_repeat_harmless(operation):
    has_transaction = TxnId in hints(operation.request).values()
    assert (operation.once_by == "txn_id") == has_transaction
    assert operation.once_by is None or operation.writes


@ALL
def test_every_field_has_one_place(operation):
    names = [f.name for f in attrs.fields(operation.request)]
    places = [*operation.path_fields, *operation.query_fields, *operation.body_fields]
    places += [operation.body] if operation.body else []
    assert sorted(places) == sorted(names)


@ALL
def test_what_an_alias_leaves_out_has_a_default(operation):
    fields = {f.name: f for f in attrs.fields(operation.request)}
    for alias in operation.aliases:
        left_out = [n for n in operation.path_fields if f"{{{n}}}" not in alias]
        assert not [name for name in left_out if is_required(fields[name])]


@ALL
def test_secrets_are_not_shown(operation):
    for kind in (operation.request, operation.response):
        for each in attrs.fields(kind) if attrs.has(kind) else ():
            is_text = hints(kind)[each.name] is not bool
            if is_text and wire_name(each).endswith(SECRETS):
                assert not each.repr, f"{kind.__name__}.{each.name}"


def test_what_needs_no_login():
    public = {op.name for op in OPERATIONS if op.access is Access.PUBLIC}
    assert public == {
        "account.check_registration_token",
        "account.check_username",
        "account.login",
        "account.login_flows",
        "account.refresh",
        "account.register",
        "alias.resolve",
        "directory.get_visibility",
        "directory.list",
        "profile.get",
        "profile.get_avatar_url",
        "profile.get_display_name",
        "server.versions",
        "server.well_known",
    }


def test_a_module_adds_to_the_table():
    assert TABLE.operations[: len(OPERATIONS)] == OPERATIONS.operations
    for operation in MODULE.operations:
        assert TABLE.by_name[operation.name] is operation
        assert TABLE.by_request[operation.request] is operation
        assert operation.name not in OPERATIONS.by_name
