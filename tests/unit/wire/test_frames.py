from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.canonical import dumps, loads
from chatproto.errors import RemoteError
from chatproto.wire.frames import (
    Ack,
    CallFrame,
    Goodbye,
    Hello,
    Ping,
    Pong,
    Push,
    Reply,
    Resync,
    Welcome,
    decode,
    encode,
    error_bytes,
    push_bytes,
    reply_bytes,
)

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=10)
# What stands in a position; it is never anything that JSON would escape.
POSITION = st.text("abcdefst0123456789_", min_size=1, max_size=20)
NUMBER = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=3)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)

FRAMES = st.one_of(
    st.builds(
        Hello,
        token=st.none() | TEXT,
        ticket=st.none() | TEXT,
        since=st.none() | POSITION,
        wants=st.none() | TEXTS,
        limit=st.none() | NUMBER,
        client=st.none() | TEXT,
    ),
    st.builds(
        Welcome,
        user_id=TEXT,
        device_id=st.none() | TEXT,
        session=TEXT,
        heartbeat_ms=NUMBER,
        max_frame=NUMBER,
        window=NUMBER,
        server_time=NUMBER,
        server=TEXT,
        features=TEXTS,
        resumed=st.booleans(),
    ),
    st.builds(CallFrame, NUMBER, TEXT, OBJECTS),
    st.builds(Reply, NUMBER, ok=VALUES),
    st.builds(Reply, NUMBER, err=OBJECTS),
    st.builds(Push, POSITION, st.lists(OBJECTS, max_size=3).map(tuple)),
    st.builds(Push, st.none(), st.lists(OBJECTS, min_size=1, max_size=3).map(tuple)),
    st.builds(Ack, POSITION),
    st.builds(Ping, NUMBER),
    st.builds(Pong, NUMBER),
    st.builds(Resync, TEXT),
    st.builds(Goodbye, TEXT, TEXT, st.none() | NUMBER),
)

# One row for each shape of docs/protocol/socket.md.
DOCUMENTED = {
    "hello": (b'{"hello":{"token":"T"}}', Hello(token="T")),
    "hello_all": (
        b'{"hello":{"ticket":"t","since":"s1","wants":["events"],"limit":5,'
        b'"client":"x"}}',
        Hello(ticket="t", since="s1", wants=("events",), limit=5, client="x"),
    ),
    "call": (
        b'{"id":7,"do":"room.leave","with":{"room_id":"!r"}}',
        CallFrame(7, "room.leave", {"room_id": "!r"}),
    ),
    "call_bare": (
        b'{"id":7,"do":"room.list_joined"}',
        CallFrame(7, "room.list_joined", {}),
    ),
    "ack": (b'{"ack":"s2_0_a"}', Ack("s2_0_a")),
    "ping": (b'{"ping":3}', Ping(3)),
    "pong": (b'{"pong":3}', Pong(3)),
    "reply": (b'{"re":7,"ok":{"a":1}}', Reply(7, ok={"a": 1})),
    "refusal": (
        b'{"re":7,"err":{"errcode":"M_FORBIDDEN","error":"no"}}',
        Reply(7, err={"errcode": "M_FORBIDDEN", "error": "no"}),
    ),
    "push": (
        b'{"at":"s3","push":[{"event":{}}]}',
        Push("s3", ({"event": {}},)),
    ),
    "push_bare": (b'{"push":[{"event":{}}]}', Push(None, ({"event": {}},))),
    "position": (b'{"at":"s3"}', Push("s3")),
    "resync": (b'{"resync":{"reason":"old"}}', Resync("old")),
    "goodbye": (
        b'{"goodbye":{"reason":"full","then":"back-off","after_ms":5}}',
        Goodbye("full", "back-off", 5),
    ),
    "unknown_fields": (b'{"ping":3,"org.example":[1]}', Ping(3)),
}

NO_FRAMES = {
    "nothing": (b"", "not readable"),
    "no_json": (b"{", "not readable"),
    "no_utf8": (b'{"ack":"\xff"}', "not readable"),
    "duplicate_key": (b'{"ping":1,"ping":2}', "not readable"),
    "nan": (b'{"ping":NaN}', "not readable"),
    "surrogate": (b'{"ack":"\\ud800"}', "not readable"),
    "too_deep": (b'{"ack":' + b"[" * 200 + b"]" * 200 + b"}", "not readable"),
    "list": (b"[]", "not an object"),
    "text": (b'"ping"', "not an object"),
    "empty": (b"{}", "no known kind"),
    "unknown_kind": (b'{"shout":1}', "no known kind: shout"),
    "call_without_id": (b'{"do":"sync"}', "`id`"),
    "call_with_id_true": (b'{"id":true,"do":"sync"}', "`id`"),
    "call_of_number": (b'{"id":1,"do":2}', "`do`"),
    "call_with_list": (b'{"id":1,"do":"sync","with":[]}', "`with`"),
    "hello_text": (b'{"hello":"T"}', "`hello`"),
    "hello_token_number": (b'{"hello":{"token":1}}', "`token`"),
    "hello_wants_text": (b'{"hello":{"wants":"events"}}', "`wants`"),
    "hello_wants_numbers": (b'{"hello":{"wants":[1]}}', "`wants`"),
    "hello_limit_float": (b'{"hello":{"limit":1.5}}', "`limit`"),
    "reply_to_text": (b'{"re":"7","ok":{}}', "`re`"),
    "refusal_text": (b'{"re":7,"err":"no"}', "`err`"),
    "push_object": (b'{"push":{}}', "`push`"),
    "push_of_texts": (b'{"push":["x"]}', "`push`"),
    "position_number": (b'{"at":7}', "`at`"),
    "ack_null": (b'{"ack":null}', "`ack`"),
    "ping_text": (b'{"ping":"1"}', "`ping`"),
    "pong_false": (b'{"pong":false}', "`pong`"),
    "resync_text": (b'{"resync":"old"}', "`resync`"),
    "goodbye_list": (b'{"goodbye":[]}', "`goodbye`"),
    "goodbye_after_text": (b'{"goodbye":{"after_ms":"5"}}', "`after_ms`"),
    "welcome_empty": (b'{"welcome":{}}', "`user_id`"),
}
WELCOME = {
    "user_id": "@a:x",
    "device_id": "D",
    "session": "s",
    "heartbeat_ms": 1,
    "max_frame": 2,
    "window": 3,
    "server_time": 4,
    "server": "x",
    "features": ["org.example.polls"],
    "resumed": True,
}


@settings(deadline=None)
@given(FRAMES)
def test_any_frame_survives_the_wire(frame):
    assert decode(encode(frame)) == frame


@pytest.mark.parametrize(("data", "frame"), DOCUMENTED.values(), ids=DOCUMENTED)
def test_documented_frame_is_read(data, frame):
    assert decode(data) == frame


@pytest.mark.parametrize(("data", "why"), NO_FRAMES.values(), ids=NO_FRAMES)
def test_what_is_no_frame_is_remote_error(data, why):
    with pytest.raises(RemoteError, match=why):
        decode(data)


@settings(deadline=None)
@given(st.binary(max_size=60) | VALUES.map(dumps) | OBJECTS.map(dumps))
def test_any_bytes_give_frame_or_remote_error(data):
    try:
        decode(data)
    except RemoteError:
        pass


@settings(deadline=None)
@given(
    st.sampled_from(
        ["hello", "welcome", "re", "push", "at", "ack", "ping", "resync", "goodbye"]
    ),
    VALUES,
    st.dictionaries(
        st.sampled_from(["id", "do", "with", "ok", "err", "at", "push"]),
        VALUES,
        max_size=3,
    ),
)
def test_any_value_of_known_key_gives_frame_or_remote_error(key, value, more):
    try:
        decode(dumps({**more, key: value}))
    except RemoteError:
        pass


@pytest.mark.parametrize("field", ["token", "ticket"])
def test_secret_is_not_shown(field):
    assert "hunter2" not in repr(Hello(**{field: "hunter2"}))


@pytest.mark.parametrize("name", sorted(WELCOME.keys() - {"resumed", "features"}))
def test_wrong_type_in_welcome_is_named(name):
    with pytest.raises(RemoteError, match=f"`{name}`"):
        decode(dumps({"welcome": {**WELCOME, name: [1]}}))


def test_features_of_welcome_are_texts():
    with pytest.raises(RemoteError, match="`features`"):
        decode(dumps({"welcome": {**WELCOME, "features": [1]}}))


@pytest.mark.parametrize("value", ["x", 5, {}, True], ids=repr)
def test_features_of_another_type_are_remote_error(value):
    with pytest.raises(RemoteError, match="`features`"):
        decode(dumps({"welcome": {**WELCOME, "features": value}}))


def test_absent_fields_are_not_written():
    assert loads(encode(Hello(token="T"))) == {"hello": {"token": "T"}}
    assert loads(encode(Goodbye("bye", "resume"))) == {
        "goodbye": {"reason": "bye", "then": "resume"}
    }


@settings(deadline=None)
@given(NUMBER, OBJECTS)
def test_ready_made_answer_is_the_same_frame(number, json):
    assert reply_bytes(number, dumps(json)) == encode(Reply(number, ok=json))
    assert error_bytes(number, json) == encode(Reply(number, err=json))


@settings(deadline=None)
@given(st.none() | POSITION, st.lists(OBJECTS, min_size=1, max_size=3))
def test_ready_made_push_is_the_same_frame(at, items):
    assert push_bytes(at, [dumps(i) for i in items]) == encode(Push(at, tuple(items)))
