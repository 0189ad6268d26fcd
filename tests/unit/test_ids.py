from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import ids
from chatproto.errors import LocalError, MatrixError
from chatproto.ids import ServerName, UserId

HOST = ServerName("hub.example")
HASH = "A" * 42 + "_"

TAKEN = [
    (ids.parse_server_name, "hub.example"),
    (ids.parse_server_name, "hub.example:8448"),
    (ids.parse_server_name, "1.2.3.4:1"),
    (ids.parse_server_name, "[2001:db8::1]:443"),
    (ids.parse_user_id, "@ann:hub.example"),
    (ids.parse_user_id, "@Old Style/é:hub.example:80"),
    (ids.parse_user_id, "@:hub.example"),
    (ids.parse_room_id, "!abc:hub.example"),
    (ids.parse_room_id, f"!{HASH}"),
    (ids.parse_event_id, f"${HASH}"),
    (ids.parse_event_id, "$143:hub.example"),
    (ids.parse_room_alias, "#tea:hub.example"),
    (ids.parse_device_id, "ABCDEF"),
    (ids.parse_txn_id, "m1700000000.5 é"),
    (ids.parse_mxc, "mxc://hub.example/a_B-9"),
    (ids.parse_event_type, "m.room.message"),
]

REFUSED = [
    (ids.parse_server_name, ""),
    (ids.parse_server_name, "hub.example:"),
    (ids.parse_server_name, "hub.example:123456"),
    (ids.parse_server_name, "٣.٣.٣.٣"),
    (ids.parse_server_name, "hub.example:٣"),
    (ids.parse_server_name, "hub.example\n"),
    (ids.parse_server_name, "a" * 256),
    (ids.parse_user_id, "ann:hub.example"),
    (ids.parse_user_id, "@ann"),
    (ids.parse_user_id, "@a\0:hub.example"),
    (ids.parse_user_id, "@\ud800:hub.example"),
    (ids.parse_user_id, "@" + "é" * 125 + ":a.example"),
    (ids.parse_user_id, None),
    (ids.parse_room_id, "!:hub.example"),
    (ids.parse_room_id, "!a b:hub.example"),
    (ids.parse_room_id, "!abc:"),
    (ids.parse_event_id, "$"),
    (ids.parse_event_id, HASH),
    (ids.parse_room_alias, "#:hub.example"),
    (ids.parse_device_id, ""),
    (ids.parse_device_id, "a\nb"),
    (ids.parse_txn_id, ""),
    (ids.parse_txn_id, "\x7f"),
    (ids.parse_txn_id, "é" * 128),
    (ids.parse_mxc, "mxc://hub.example/../etc"),
    (ids.parse_mxc, "https://hub.example/a"),
    (ids.parse_event_type, ""),
    (ids.parse_event_type, "a\0"),
    (ids.parse_event_type, "a" * 256),
    (ids.parse_event_type, 7),
    (ids.parse_new_localpart, ""),
    (ids.parse_new_localpart, "a b"),
    (ids.parse_new_localpart, "jürgen"),
    (ids.parse_new_localpart, "\u212aim"),
]


def named(table):
    return [f"{parse.__name__[6:]}-{str(text)[:20]!a}" for parse, text in table]


@pytest.mark.parametrize(("parse", "text"), TAKEN, ids=named(TAKEN))
def test_legal_identifier_is_kept(parse, text):
    assert parse(text) == text


@pytest.mark.parametrize(("parse", "text"), REFUSED, ids=named(REFUSED))
def test_illegal_identifier_is_refused(parse, text):
    with pytest.raises(MatrixError) as caught:
        parse(text)
    assert caught.value.errcode == "M_INVALID_PARAM"
    assert "got" in caught.value.error
    assert len(caught.value.error) < 160


def test_new_name_is_lowered():
    assert ids.parse_new_localpart("Ann.B") == "ann.b"


def test_parts_of_identifiers():
    assert ids.localpart("@ann:hub.example:80") == "ann"
    assert ids.server_name("@ann:hub.example:80") == "hub.example:80"
    assert ids.server_name(f"!{HASH}") == ""
    assert ids.media_id("mxc://hub.example/abc") == ("hub.example", "abc")
    assert ids.user_id("ann", HOST) == UserId("@ann:hub.example")


@given(st.binary(min_size=18, max_size=40))
def test_made_room_id_parses(random):
    room_id = ids.room_id_from(random, HOST)
    assert ids.parse_room_id(room_id) == room_id
    assert len(room_id) == len("!:hub.example") + 18


def test_too_little_randomness_is_a_mistake():
    with pytest.raises(LocalError):
        ids.room_id_from(bytes(17), HOST)
