from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.errors import LocalError
from chatproto.sync.changes import (
    DeviceLists,
    TimelineChanged,
    ToDevice,
    UnreadChanged,
    change_json,
)
from chatproto.sync.incoming import ITEMS
from chatproto.sync.outbox import Outbox, Outgoing
from chatproto.sync.store import ClientState

ROOM = "!r:x"


def event(seq: int, sender: str = "@a:x", **more: Any) -> dict[str, Any]:
    return {
        "event_id": f"${seq}",
        "room_id": ROOM,
        "type": "m.room.message",
        "sender": sender,
        "content": {"body": f"{seq}"},
        "unsigned": {"org.chatproto.seq": seq, "org.chatproto.pos": seq},
        **more,
    }


def joined(through: int = 3, **more: Any) -> dict[str, Any]:
    told = {"initial": True, "through": through, "read_seq": through, "bump": 1}
    timeline = {"events": [], "limited": False, "prev_batch": f"t{through}"}
    section = {"timeline": timeline, "org.chatproto.room": told, **more}
    return {"next_batch": "s3", "rooms": {"join": {ROOM: section}}}


def client(**more: Any) -> ClientState:
    state = ClientState(user_id="@me:x", **more)
    state.apply_sync(joined(), 0)
    return state


def test_frame_moves_the_position_only_if_it_says_so() -> None:
    state = client()
    assert state.position == "s3"
    state.apply_frame({"push": [{"event": event(4)}]}, 0)
    assert state.position == "s3"
    state.apply_frame({"at": "s4"}, 0)
    assert state.position == "s4"


def test_live_event_tells_what_it_changed() -> None:
    changes = client().apply({"event": event(4)}, 0)
    assert TimelineChanged(ROOM, ("$4",), (), live=True) in changes
    assert UnreadChanged(ROOM, 1, 0) in changes
    assert change_json(changes[0]) == {
        "kind": "timeline",
        "room_id": ROOM,
        "added": ["$4"],
        "updated": [],
        "live": True,
        "reset": False,
    }


def test_caught_up_events_are_not_live() -> None:
    timeline = {"events": [event(4)], "limited": False, "prev_batch": "t3"}
    section = {"timeline": timeline, "org.chatproto.room": {"through": 4}}
    changes = client().apply_sync({"rooms": {"join": {ROOM: section}}}, 0)
    assert TimelineChanged(ROOM, ("$4",)) in changes


@pytest.mark.parametrize(
    "key", ["state", "state_after", "org.matrix.msc4222.state_after"]
)
def test_state_is_taken_under_each_of_its_names(key: str) -> None:
    name = event(2, type="m.room.name", state_key="", content={"name": "Room"})
    state = ClientState(user_id="@me:x")
    state.apply_sync(joined(**{key: {"events": [name]}}), 0)
    assert state.rooms[ROOM].name == "Room"


def test_summary_counts_where_members_are_left_out() -> None:
    summary = {
        "m.heroes": ["@a:x"],
        "m.joined_member_count": 900,
        "m.invited_member_count": 2,
    }
    state = ClientState(user_id="@me:x", lazy_members=True)
    state.apply_sync(joined(summary=summary), 0)
    room = state.rooms[ROOM]
    assert (room.joined_count, room.invited_count, room.name) == (900, 2, "@a:x")
    whole = client()
    whole.apply_sync(joined(summary=summary), 0)
    assert whole.rooms[ROOM].joined_count == 0


def test_to_device_and_device_lists_are_told_not_kept() -> None:
    message = {"sender": "@a:x", "type": "m.dummy", "content": {"n": 1}}
    body = {
        "to_device": {"events": [message]},
        "device_lists": {"changed": ["@a:x"], "left": []},
        "device_one_time_keys_count": {"signed_curve25519": 0},
        "device_unused_fallback_key_types": ["signed_curve25519"],
    }
    state = client()
    before = state.picture()
    assert state.apply_sync(body, 0) == (
        ToDevice("@a:x", "m.dummy", {"n": 1}),
        DeviceLists(("@a:x",)),
    )
    assert state.picture() == before
    assert state.one_time_key_counts == {"signed_curve25519": 0}
    assert state.fallback_key_types == ("signed_curve25519",)


def test_direct_rooms_are_people() -> None:
    state = client()
    data = {"type": "m.direct", "content": {"@a:x": [ROOM, "!gone:x"]}}
    state.apply({"account_data": data}, 0)
    assert state.chat_list("people") == [ROOM]
    assert state.chat_list("rooms") == []


def test_pinned_rooms_are_had_by_themselves() -> None:
    state = client()
    assert state.pinned() == []
    tags = {"tags": {"m.favourite": {}}}
    item = {"type": "m.tag", "room_id": ROOM, "content": tags}
    state.apply({"account_data": item}, 0)
    assert (state.pinned(), state.chat_list()) == ([ROOM], [ROOM])


def test_totals_are_those_of_all_rooms() -> None:
    state = client()
    state.apply({"event": event(4)}, 0)
    assert state.totals() == (1, 0)


def test_author_of_a_later_message_has_read() -> None:
    state = client()
    for each in (event(4), event(5, "@b:x"), event(6, "@me:x")):
        state.apply({"event": each}, 0)
    assert state.rooms[ROOM].read_by("$4") == ("@b:x", "@me:x")
    assert state.rooms[ROOM].read_by("$6") == ()
    assert state.rooms[ROOM].read_by("$unknown") == ()


def test_thread_is_shown_by_itself() -> None:
    state = client()
    answer = {"m.relates_to": {"rel_type": "m.thread", "event_id": "$4"}}
    for each in (event(4), event(5), event(6, content=answer)):
        state.apply({"event": each}, 0)
    rows = state.items(ROOM, thread="$4")
    assert [row.event_id for row in rows] == ["$4", "$6"]


def test_next_expiry_is_the_first_of_all() -> None:
    state = client()
    assert state.next_expiry() is None
    state.apply({"typing": {"room_id": ROOM, "user_ids": ["@a:x"]}}, 1_000)
    presence = {"user_id": "@a:x", "org.chatproto.expires_in_ms": 9_000}
    state.apply({"presence": presence}, 1_000)
    assert state.next_expiry() == 10_000
    state.expire(10_000)
    assert state.next_expiry() == 31_000


def test_resync_keeps_what_the_user_wrote() -> None:
    state = client()
    state.set_draft(ROOM, {"body": "dra"})
    state.send(ROOM, "m.room.message", {"body": "x"}, "t1", 0)
    state.resync()
    assert (state.position, state.rooms) == (None, {})
    assert state.drafts == {ROOM: {"body": "dra"}}
    assert len(state.outbox) == 1
    state.set_draft(ROOM, None)
    assert state.drafts == {}


def test_forgotten_room_is_gone() -> None:
    state = client()
    state.forget(ROOM)
    assert (state.rooms, state.chat_list(), state.forget(ROOM)) == ({}, [], ())


def test_sent_before_resync_is_not_shown_after_its_snapshot() -> None:
    state = client()
    state.send(ROOM, "m.room.message", {"body": "4"}, "t1", 0)
    state.sending("t1")
    state.sent("t1", "$4", 4)
    state.resync()
    state.apply_sync(joined(through=9), 0)
    assert state.items(ROOM) == ()


def test_restored_outbox_must_come_first() -> None:
    entry = Outgoing(
        txn_id="t1",
        room_id=ROOM,
        kind="send",
        type="m.room.message",
        content={},
        created_ms=0,
    )
    stored = Outbox()
    stored.add(entry)
    state = client()
    state.restore(stored)
    assert state.items(ROOM)[0].txn_id == "t1"
    with pytest.raises(LocalError, match="before anything is sent"):
        state.restore(Outbox())


def test_trimmed_room_still_counts_right() -> None:
    state = client()
    for seq in range(4, 10):
        state.apply({"event": event(seq)}, 0)
    state.trim(2)
    assert state.totals() == (6, 0)
    assert [row.seq for row in state.items(ROOM)] == [8, 9]
    receipt = {"room_id": ROOM, "user_id": "@me:x", "type": "m.read", "seq": 7}
    state.apply({"receipt": {**receipt, "event_id": "$7"}}, 0)
    assert state.totals() == (2, 0)


def test_equal_pictures_are_equal_states() -> None:
    state = client()
    assert state == client()
    state.apply({"event": event(4)}, 0)
    assert state != client()
    assert state != "a state"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["events", "content", "type", ROOM]), inner)
    ),
    max_leaves=8,
)
WORDS = ["rooms", "join", "leave", "invite", "room_id", "timeline", "events", "content"]
WORDS += [
    "unsigned",
    "type",
    "state",
    "ephemeral",
    "user_id",
    "seq",
    "org.chatproto.room",
]
WORDS += ["m.relates_to", "account_data", "unread_notifications", ROOM, "through"]
OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from(WORDS), JSON, max_size=4),
    lambda inner: st.dictionaries(
        st.sampled_from(WORDS), inner | st.lists(inner, max_size=2)
    ),
    max_leaves=12,
)


@given(kind=st.sampled_from(sorted(ITEMS)), content=OBJECTS | JSON, known=st.booleans())
def test_no_item_breaks_a_client(kind: str, content: Any, known: bool) -> None:
    state = client()
    if known and isinstance(content, dict):
        unsigned = {"org.chatproto.seq": 4, "org.chatproto.pos": 4}
        content = {**content, "room_id": ROOM, "unsigned": unsigned}
    state.apply({kind: content}, 0)
    json.dumps(state.picture())


def test_sync_body_brings_account_data_and_presence() -> None:
    direct = {"type": "m.direct", "content": {"@a:x": [ROOM]}}
    presence = {"sender": "@a:x", "content": {"presence": "online"}}
    state = client()
    body = {"account_data": {"events": [direct]}, "presence": {"events": [presence]}}
    state.apply_sync(body, 0)
    assert state.direct_rooms() == {ROOM}
    assert state.presence["@a:x"].presence == "online"


def test_invitation_names_who_invites() -> None:
    own = event(2, type="m.room.member", state_key="@me:x")
    stripped = {**own, "content": {"membership": "invite"}, "unsigned": {}}
    section = {"invite_state": {"events": [stripped]}}
    state = ClientState(user_id="@me:x")
    state.apply_sync({"rooms": {"invite": {ROOM: section}}}, 0)
    assert state.rooms[ROOM].inviter == "@a:x"
    assert client().rooms[ROOM].inviter is None
