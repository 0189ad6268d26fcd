"""The derived document against the specification's, for all that is implemented."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attrs import field, frozen

from chatproto.operations.declare import Operation
from chatproto.operations.table import OPERATIONS
from chatproto.wire.schema import openapi
from tests.conformance import matrix_spec

DOCUMENT = openapi(OPERATIONS, version="0")
# Proposals, accepted ones too, are not in the specification's document yet.
PROPOSED = ("/_matrix/client/unstable/", "/_matrix/client/v4/")
MATRIX = tuple(
    op for op in OPERATIONS if not op.path.startswith(("/_chatproto/", *PROPOSED))
)
EACH = pytest.mark.parametrize("operation", MATRIX, ids=lambda op: op.name)
EXTENSIONS = ("org.chatproto.", "org.matrix.")

NO_IDENTITY_SERVER = "there are no identity servers, invitations by e-mail and the like"
OWN_PATH = "the specification has one path for every key of a profile"
NO_NETWORK = "no other network is reached from here"
PASSED_THROUGH = "an object of the specification's own shape, described there"
SHORTER = "a name in the path is seen by nobody but our own programs"

# Where we chose otherwise, in which names, and why; all else is a fault of the
# declaration. "missing" is what the specification has and we do not, "added" the
# reverse; "optional" is what it requires and we do not, "required" the reverse.
DEVIATIONS: dict[str, dict[str, tuple[set[str], str]]] = {
    "account.login": {
        "body missing": ({"address", "medium"}, NO_IDENTITY_SERVER),
        "body optional": ({"type"}, "a login is by password unless it says otherwise"),
        "reply missing": ({"well_known"}, "a client asks .well-known for it"),
    },
    "account.register": {
        "body added": ({"type"}, "told in the Application Service API alone"),
    },
    "account.deactivate": {"body missing": ({"id_server"}, NO_IDENTITY_SERVER)},
    "server.well_known": {
        "reply missing": ({"m.identity_server"}, NO_IDENTITY_SERVER),
    },
    "profile.get": {"reply missing": ({"m.tz"}, "profiles have two keys")},
    "profile.get_display_name": {
        "path missing": ({"key_name"}, OWN_PATH),
        "reply added": ({"displayname"}, OWN_PATH),
    },
    "profile.set_display_name": {
        "path missing": ({"key_name"}, OWN_PATH),
        "body added": ({"displayname"}, OWN_PATH),
    },
    "profile.get_avatar_url": {
        "path missing": ({"key_name"}, OWN_PATH),
        "reply added": ({"avatar_url"}, OWN_PATH),
    },
    "profile.set_avatar_url": {
        "path missing": ({"key_name"}, OWN_PATH),
        "body added": ({"avatar_url"}, OWN_PATH),
    },
    "room.create": {"body missing": ({"invite_3pid"}, NO_IDENTITY_SERVER)},
    "room.join": {"body missing": ({"third_party_signed"}, NO_IDENTITY_SERVER)},
    "room.join_by_alias": {
        "path missing": ({"room_id_or_alias"}, SHORTER),
        "path added": ({"id_or_alias"}, SHORTER),
        "body missing": ({"third_party_signed"}, NO_IDENTITY_SERVER),
    },
    "room.knock": {
        "path missing": ({"room_id_or_alias"}, SHORTER),
        "path added": ({"id_or_alias"}, SHORTER),
    },
    "room.upgrade": {
        "body missing": ({"additional_creators"}, "only room version 12 has several"),
    },
    "room.history": {
        "query optional": ({"dir"}, "backwards is what everybody wants first"),
    },
    "thirdparty.portals": {"query missing": ({"fields"}, NO_NETWORK)},
    "thirdparty.users": {"query missing": ({"fields"}, NO_NETWORK)},
    "thirdparty.protocol": {"reply untyped": ({"*"}, NO_NETWORK)},
    "voip.turn_server": {
        "reply optional": (
            {"username", "password", "uris", "ttl"},
            "an empty object says that there is no relay, as clients expect",
        ),
    },
    "key_backup.update": {
        "body missing": ({"version"}, "the path says it, and both have to agree"),
    },
    "room.event": {"reply untyped": ({"*"}, PASSED_THROUGH)},
    "sync": {"reply untyped": ({"*"}, PASSED_THROUGH)},
    "filter.get": {"reply untyped": ({"*"}, PASSED_THROUGH)},
    "media.url_preview": {"reply untyped": ({"*"}, PASSED_THROUGH)},
}


@frozen
class Names:
    """The names of parameters or fields, and those of them that are required."""

    all: set[str] = field(factory=set)
    required: set[str] = field(factory=set)


def followed(node: Any) -> Any:
    while "$ref" in node:
        target: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def our_parameters(described: Any, where: str) -> Names:
    found = [p for p in described["parameters"] if p["in"] == where]
    return Names(
        {p["name"] for p in found}, {p["name"] for p in found if p["required"]}
    )


def our_fields(holder: Any) -> Names:
    media = holder.get("content", {}).get("application/json", {})
    schema = followed(media.get("schema", {}))
    return Names(set(schema.get("properties", ())), set(schema.get("required", ())))


def their_parameters(described: Any, path: Any, where: str) -> Names:
    found = matrix_spec.parameters(described, path, where)
    if where == "path":
        found = {snake(name): found[name] for name in found}
    return Names(set(found), {name for name in found if found[name]})


def their_fields(holder: Any, path: Any) -> Names:
    schema = matrix_spec.json_schema(holder, path)
    return Names() if schema is None else Names(*matrix_spec.fields(*schema))


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def compared(where: str, ours: Names, theirs: Names) -> dict[str, set[str]]:
    added = {n for n in ours.all - theirs.all if not n.startswith(EXTENSIONS)}
    found = {
        f"{where} missing": theirs.all - ours.all,
        f"{where} added": added,
        f"{where} optional": (theirs.required & ours.all) - ours.required,
    }
    if where in ("query", "body"):  # to answer more surely than promised is no harm
        found[f"{where} required"] = ours.required - theirs.required
    return found


def differences(operation: Operation) -> dict[str, set[str]]:
    known = matrix_spec.endpoint(operation.verb, operation.path)
    assert known is not None, f"{operation.http} is not in the specification"
    path, theirs = known
    ours = DOCUMENT["paths"][operation.path][operation.verb.lower()]
    found: dict[str, set[str]] = {}
    for where in ("path", "query"):
        ours_there = our_parameters(ours, where)
        found |= compared(where, ours_there, their_parameters(theirs, path, where))
    body = their_fields(theirs.get("requestBody", {}), path)
    # A field that is the whole body takes whatever the specification lists.
    taken = (
        Names(body.all) if operation.body else our_fields(ours.get("requestBody", {}))
    )
    found |= compared("body", taken, body)
    responses = {str(status): r for status, r in theirs["responses"].items()}
    reply = their_fields(responses["200"], path)
    if operation.response is not dict:
        found |= compared("reply", our_fields(ours["responses"]["200"]), reply)
    elif reply.all:
        found["reply untyped"] = {"*"}
    return {what: names for what, names in found.items() if names}


@EACH
def test_declaration_agrees(operation):
    chosen = DEVIATIONS.get(operation.name, {})
    assert differences(operation) == {what: chosen[what][0] for what in chosen}


@EACH
def test_alias_is_an_older_or_shorter_path(operation):
    of_today = {operation.path}
    if operation.path.endswith("/{state_key}"):  # "" is what it is for most events
        of_today.add(operation.path.removesuffix("/{state_key}"))
    for alias in operation.aliases:
        is_known = matrix_spec.endpoint(operation.verb, alias) is not None
        assert is_known or alias in of_today


def test_every_deviation_has_its_reason():
    assert DEVIATIONS.keys() <= {operation.name for operation in MATRIX}
    for chosen in DEVIATIONS.values():
        assert all(len(why.split()) > 3 for _, why in chosen.values())


def test_missing_files_are_told(monkeypatch, tmp_path):
    monkeypatch.setenv("MATRIX_SPEC", str(tmp_path))
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="set MATRIX_SPEC"):
        matrix_spec.folder()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="set MATRIX_SPEC"):
        matrix_spec.folder()
