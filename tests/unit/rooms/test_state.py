from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatproto.events.envelope import Pdu
from chatproto.rooms.state import RoomState

ANN, NEW = "@ann:hub.example", "@new:hub.example"


def test_message_leaves_the_state(scene, make_event):
    state = scene.state
    assert state.apply(make_event("m.room.message", ANN, {})) is state


def test_state_event_makes_the_next_state(scene, make_event):
    before = scene.state
    after = before.apply(make_event("m.room.name", ANN, {"name": "Tea"}, ""))
    assert after.content("m.room.name") == {"name": "Tea"}
    assert before.content("m.room.name") == {}
    assert before.get("m.room.name") is None
    assert (len(after), len(before)) == (len(before) + 1, len([*before.events()]))
    assert after != before


def test_same_events_make_equal_states(scene):
    state = scene.state
    assert RoomState.of(state.events()) == state
    assert RoomState.of(reversed([*state.events()])) == state
    assert state != "a state"


def test_defaults_of_an_empty_state():
    empty = RoomState.empty()
    assert empty.create is None
    assert empty.join_rule == "invite"
    assert empty.history_visibility == "shared"
    assert empty.membership(ANN) == "leave"
    assert empty.members() == []


def test_what_is_set_is_found(scene):
    scene.set("m.room.history_visibility", {"history_visibility": "joined"})
    scene.join_rule("public")
    state = scene.state
    assert state.create.sender == ANN
    assert (state.join_rule, state.history_visibility) == ("public", "joined")
    assert state.membership("@dan:hub.example") == "ban"
    assert state.members("ban") == ["@dan:hub.example"]
    assert len(state.members()) == 3


def test_members_are_a_copy(scene):
    state = scene.state
    state.members().clear()
    assert len(state.members()) == 3


def moved(user, membership):
    json = {
        "auth_events": [],
        "content": {} if membership is None else {"membership": membership},
        "depth": 1,
        "origin_server_ts": 1,
        "prev_events": [],
        "room_id": "!r:b",
        "sender": user,
        "state_key": user,
        "type": "m.room.member",
    }
    return Pdu.from_json(json, "$e")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["@a:b", "@b:b", "@c:b"]),
            st.sampled_from(["join", "leave", "ban", "invite", None]),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_members_agree_with_memberships(moves):
    state = RoomState.empty()
    for user, membership, ask in moves:
        before = state, sorted(state.members()) if ask else None
        state = state.apply(moved(user, membership))
        if ask:
            assert sorted(before[0].members()) == before[1]
    users = {user for user, _, _ in moves}
    for membership in ("join", "leave", "ban", "invite"):
        expected = {user for user in users if state.membership(user) == membership}
        assert set(state.members(membership)) == expected
        assert len(state.members(membership)) == len(expected)
