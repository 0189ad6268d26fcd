from __future__ import annotations

import pytest
import signedjson.key
import signedjson.sign
from hypothesis import given
from hypothesis import strategies as st

from chatproto.canonical import canonical, dumps, loads
from chatproto.errors import LocalError, MatrixError
from chatproto.events.envelope import EventDraft, Pdu, client_event
from chatproto.events.redaction import redact
from chatproto.ids import RoomId, ServerName, UserId
from chatproto.rooms.auth_rules import Denied, check, check_auth_events
from chatproto.rooms.state import RoomState
from chatproto.rooms.timeline import MAX_CONTENT_DEPTH, MAX_EVENT_BYTES, Timeline
from chatproto.rooms.version import V10, V11
from chatproto.signing import (
    SigningKey,
    content_hash,
    decode_base64,
    reference_hash,
    verify_json,
)

SERVER = ServerName("hub.example")
ROOM = RoomId("!abcdefghijklmnopqr:hub.example")
KEY = SigningKey.generate("a1", bytes(range(32)))
THEIR_KEY = signedjson.key.decode_verify_key_bytes(
    KEY.key_id, decode_base64(KEY.verify_key_base64)
)
ANN, BOB = UserId("@ann:hub.example"), UserId("@bob:hub.example")
NOW = 1_700_000_000_000


def append(timeline, event_type, content, sender=ANN, state_key=None, **more):
    draft = EventDraft(event_type, content, sender, state_key)
    arguments = {"server": SERVER, "key": KEY, "now_ms": NOW, **more}
    return timeline.append(draft, **arguments)


def text(body):
    return {"msgtype": "m.text", "body": body}


def history(version=V11):
    timeline = Timeline.new(ROOM, version)
    create = {"room_version": version.id}
    if version is V10:
        create["creator"] = ANN
    pdus = []
    for event_type, content, state_key in (
        ("m.room.create", create, ""),
        ("m.room.member", {"membership": "join"}, ANN),
        ("m.room.power_levels", {"users": {ANN: 100}}, ""),
        ("m.room.join_rules", {"join_rule": "public"}, ""),
        ("m.room.message", text("hello"), None),
        ("m.room.message", text("again"), None),
    ):
        timeline, pdu = append(timeline, event_type, content, ANN, state_key)
        pdus.append(pdu)
    return timeline, pdus


ROOM_11, PDUS = history()


def size(pdu):
    return len(canonical(pdu.json))


@pytest.mark.parametrize("version", [V10, V11], ids=["10", "11"])
def test_history_can_be_verified_by_anyone(version):
    _, pdus = history(version)
    by_id = {pdu.event_id: pdu for pdu in pdus}
    state, previous = RoomState.empty(), ()
    for depth, pdu in enumerate(pdus, 1):
        redacted = redact(pdu.json, version.redaction)
        assert pdu.event_id == "$" + reference_hash(redacted)
        assert pdu.json["hashes"] == {"sha256": content_hash(pdu.json)}
        verify_json(redacted, SERVER, KEY.key_id, KEY.verify_key_base64)
        signedjson.sign.verify_signed_json(redacted, SERVER, THEIR_KEY)
        assert (pdu.prev_events, pdu.depth) == (previous, depth)
        check_auth_events(pdu, [by_id[event_id] for event_id in pdu.auth_events])
        check(pdu, state, version)
        state, previous = state.apply(pdu), (pdu.event_id,)


def test_timeline_counts_and_points():
    assert (ROOM_11.seq, ROOM_11.depth) == (6, 6)
    assert ROOM_11.head == PDUS[-1].event_id
    assert ROOM_11.state == RoomState.of(PDUS)


def test_event_equals_what_is_read_back():
    for pdu in PDUS:
        read = Pdu.from_json(loads(dumps(pdu.json)), pdu.event_id)
        assert read.json == pdu.json
        for name in ("sender", "type", "state_key", "prev_events", "auth_events"):
            assert getattr(read, name) == getattr(pdu, name)


def test_restored_timeline_goes_on_alike():
    stored = [pdu for pdu in PDUS if pdu.is_state]
    restored = Timeline.restore(ROOM, V11, stored, PDUS[-1].event_id, 6, 6)
    following, pdu = append(restored, "m.room.message", text("more"))
    expected, same = append(ROOM_11, "m.room.message", text("more"))
    assert pdu.json == same.json
    assert (following.seq, following.head) == (expected.seq, expected.head)


def test_denied_event_leaves_the_timeline():
    with pytest.raises(Denied) as caught:
        append(ROOM_11, "m.room.message", text("x"), BOB)
    assert caught.value.rule == "5"
    joined, _ = append(ROOM_11, "m.room.member", {"membership": "join"}, BOB, BOB)
    following, _ = append(joined, "m.room.message", text("x"), BOB)
    assert (ROOM_11.seq, following.seq) == (6, 8)


def test_restricted_join_is_signed_by_this_server_only():
    timeline, _ = append(
        ROOM_11, "m.room.join_rules", {"join_rule": "restricted"}, ANN, ""
    )
    content = {"membership": "join", "join_authorised_via_users_server": ANN}
    following, pdu = append(timeline, "m.room.member", content, BOB, BOB)
    assert following.state.membership(BOB) == "join"
    assert set(pdu.json["signatures"]) == {SERVER}
    content = {**content, "join_authorised_via_users_server": "@ann:far.example"}
    with pytest.raises(Denied) as caught:
        append(timeline, "m.room.member", content, BOB, BOB)
    assert caught.value.rule == "4.2"


def test_redaction_of_version_10_names_its_target_at_the_top():
    content = {"redacts": PDUS[4].event_id}
    _, new = append(ROOM_11, "m.room.redaction", content)
    _, old = append(history(V10)[0], "m.room.redaction", content)
    assert "redacts" not in new.json
    assert old.json["redacts"] == new.redacts == old.redacts == PDUS[4].event_id


def body_for(size_wanted):
    _, pdu = append(ROOM_11, "m.room.message", text(""))
    return "x" * (size_wanted - size(pdu))


def test_largest_event_is_taken():
    _, pdu = append(ROOM_11, "m.room.message", text(body_for(MAX_EVENT_BYTES)))
    assert size(pdu) == MAX_EVENT_BYTES


def test_larger_event_is_refused():
    with pytest.raises(MatrixError) as caught:
        append(ROOM_11, "m.room.message", text(body_for(MAX_EVENT_BYTES + 1)))
    assert (caught.value.errcode, caught.value.status) == ("M_TOO_LARGE", 413)


@pytest.mark.parametrize(
    ("event_type", "state_key"),
    [("x" * 255, "é" * 127), ("é" * 127, "x" * 255)],
    ids=["type", "state-key"],
)
def test_longest_fields_are_taken(event_type, state_key):
    _, pdu = append(ROOM_11, event_type, {}, ANN, state_key)
    assert (pdu.type, pdu.state_key) == (event_type, state_key)


@pytest.mark.parametrize(
    ("event_type", "state_key"),
    [("x" * 256, ""), ("é" * 128, ""), ("x", "x" * 256), ("x", "é" * 128)],
)
def test_longer_fields_are_refused(event_type, state_key):
    with pytest.raises(MatrixError) as caught:
        append(ROOM_11, event_type, {}, ANN, state_key)
    assert caught.value.errcode == "M_TOO_LARGE"


def nested(depth):
    content = {}
    for _ in range(depth - 1):
        content = {"a": content}
    return content


@pytest.mark.parametrize(
    ("content", "state_key"),
    [
        ({"a": 1.5}, None),
        ({"a": float("nan")}, None),
        ({"a": 2**53}, None),
        ({"a": "\ud800"}, None),
        ({1: 1}, None),
        (nested(MAX_CONTENT_DEPTH + 1), None),
        ({}, "\ud800"),
    ],
    ids=["float", "nan", "integer", "surrogate", "key", "depth", "state-key"],
)
def test_event_without_canonical_form_is_refused(content, state_key):
    with pytest.raises(MatrixError) as caught:
        append(ROOM_11, "org.example.x", content, ANN, state_key)
    assert caught.value.errcode == "M_BAD_JSON"


def test_deepest_event_can_be_read_in_a_sync_answer():
    _, pdu = append(ROOM_11, "org.example.x", nested(MAX_CONTENT_DEPTH))
    event = client_event(pdu, {"redacted_because": {"unsigned": client_event(pdu)}})
    answer = {"rooms": {"join": {ROOM: {"timeline": {"events": [event]}}}}}
    assert loads(dumps({"push": [answer]})) == {"push": [answer]}


def test_foreign_sender_is_a_mistake():
    with pytest.raises(LocalError):
        append(ROOM_11, "m.room.message", text("x"), UserId("@ann:far.example"))


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=20),
        max_size=5,
    )
)
def test_any_content_survives(content):
    following, pdu = append(ROOM_11, "org.example.x", content)
    redacted = redact(pdu.json, V11.redaction)
    assert following.head == pdu.event_id == "$" + reference_hash(redacted)
    assert pdu.json["hashes"]["sha256"] == content_hash(loads(dumps(pdu.json)))
    verify_json(redacted, SERVER, KEY.key_id, KEY.verify_key_base64)
