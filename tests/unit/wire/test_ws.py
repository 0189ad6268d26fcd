from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.errors import LocalError, RemoteError
from chatproto.wire.frames import (
    Ack,
    CallFrame,
    Frame,
    Goodbye,
    Hello,
    Ping,
    Pong,
    Push,
    Reply,
    Resync,
    Welcome,
    encode,
)
from chatproto.wire.ws import TRANSITIONS, Role, State, WsConnection

EXAMPLES = {
    Hello: Hello(token="secret", since="s1_0_ab"),
    Welcome: Welcome(
        user_id="@ann:example.org",
        device_id="PHONE",
        session="0011",
        heartbeat_ms=30_000,
        max_frame=131_072,
        window=1_048_576,
        server_time=1,
        server="example.org",
    ),
    CallFrame: CallFrame(7, "room.send", {"room_id": "!r:example.org"}),
    Reply: Reply(7, ok={}),
    Push: Push("s2_0_ab", ({"sync": {}},)),
    Ack: Ack("s2_0_ab"),
    Ping: Ping(1),
    Pong: Pong(1),
    Resync: Resync("too old"),
    Goodbye: Goodbye("bye", "resume"),
}
KINDS = get_args(Frame)
OTHER = {Role.CLIENT: Role.SERVER, Role.SERVER: Role.CLIENT}
STEPS = list(product(State, Role, KINDS))
LEGAL = [step for step in STEPS if step in TRANSITIONS]
REFUSED = [step for step in STEPS if step not in TRANSITIONS]

# docs/protocol/socket.md, "The state of a connection", written out once more.
CLIENT_SAYS = {
    State.IDLE: {Hello},
    State.GREETED: set(),
    State.OPEN: {CallFrame, Ack, Ping, Pong},
    State.DRAINING: {CallFrame, Ping, Ack, Pong},
    State.CLOSED: set(),
}
SERVER_SAYS = {
    State.IDLE: {Goodbye},
    State.GREETED: {Welcome, Goodbye},
    State.OPEN: {Reply, Push, Resync, Ping, Pong, Goodbye},
    State.DRAINING: {Reply, Push, Pong},
    State.CLOSED: set(),
}
MOVES = {
    (State.IDLE, Hello): State.GREETED,
    (State.IDLE, Goodbye): State.CLOSED,
    (State.GREETED, Welcome): State.OPEN,
    (State.GREETED, Goodbye): State.CLOSED,
    (State.OPEN, Goodbye): State.DRAINING,
}


def named(step):
    state, sender, kind = step
    return f"{state.value}-{sender.value}-{kind.__name__}"


def connection(role: Role, state: State) -> WsConnection:
    machine = WsConnection(role)
    machine.state = state
    return machine


def test_every_frame_has_an_example():
    assert set(EXAMPLES) == set(KINDS)
    assert {kind for _, _, kind in TRANSITIONS} == set(KINDS)


@pytest.mark.parametrize("state", State, ids=lambda state: state.value)
def test_table_is_the_documented_one(state):
    said = {
        role: {kind for s, r, kind in TRANSITIONS if (s, r) == (state, role)}
        for role in Role
    }
    assert said == {Role.CLIENT: CLIENT_SAYS[state], Role.SERVER: SERVER_SAYS[state]}


@pytest.mark.parametrize("step", LEGAL, ids=named)
def test_legal_frame_moves_both_ends(step):
    state, sender, kind = step
    frame = EXAMPLES[kind]
    ours, theirs = connection(sender, state), connection(OTHER[sender], state)
    assert ours.can_send(kind)
    assert theirs.receive_data(ours.send(frame)) == frame
    assert ours.state is theirs.state is MOVES.get((state, kind), state)


@pytest.mark.parametrize("step", REFUSED, ids=named)
def test_own_illegal_frame_is_local_error(step):
    state, sender, kind = step
    machine = connection(sender, state)
    assert not machine.can_send(kind)
    with pytest.raises(LocalError, match=f"{kind.__name__} while .* {state.value}"):
        machine.send(EXAMPLES[kind])
    assert machine.state is state


@pytest.mark.parametrize("step", REFUSED, ids=named)
def test_illegal_frame_of_peer_is_remote_error(step):
    state, sender, kind = step
    machine = connection(OTHER[sender], state)
    with pytest.raises(RemoteError, match=f"a {sender.value} sends no {kind.__name__}"):
        machine.receive_data(encode(EXAMPLES[kind]))
    assert machine.state is state


@pytest.mark.parametrize("state", State, ids=lambda state: state.value)
@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_any_state_can_be_closed(role, state):
    machine = connection(role, state)
    machine.close()
    assert machine.state is State.CLOSED
    assert not any(machine.can_send(kind) for kind in KINDS)


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_what_is_no_frame_is_remote_error(role):
    machine = connection(role, State.OPEN)
    with pytest.raises(RemoteError):
        machine.receive_data(b"[]")
    assert machine.state is State.OPEN


FRAMES = st.sampled_from(list(EXAMPLES.values()))
EVENTS = st.one_of(
    st.tuples(st.just("send"), FRAMES),
    st.tuples(st.just("receive"), FRAMES.map(encode)),
    st.tuples(st.just("receive"), st.binary(max_size=20)),
    st.tuples(st.just("close"), st.none()),
)


@settings(deadline=None)
@given(role=st.sampled_from(Role), events=st.lists(EVENTS, max_size=12))
def test_any_sequence_ends_in_a_declared_error(role, events):
    machine, peer = WsConnection(role), OTHER[role]
    for event, value in events:
        before = machine.state
        if event == "close":
            machine.close()
        elif event == "send":
            expected = TRANSITIONS.get((before, role, type(value)))
            try:
                machine.send(value)
            except LocalError:
                assert expected is None
            assert machine.state is (expected or before)
        else:
            try:
                frame = machine.receive_data(value)
            except RemoteError:
                assert machine.state is before
            else:
                assert machine.state is TRANSITIONS[before, peer, type(frame)]
    assert machine.role is role


@settings(deadline=None)
@given(turns=st.lists(st.tuples(st.sampled_from(Role), FRAMES), max_size=20))
def test_two_ends_always_agree(turns):
    ends = {role: WsConnection(role) for role in Role}
    for sender, frame in turns:
        if ends[sender].can_send(type(frame)):
            data = ends[sender].send(frame)
            assert ends[OTHER[sender]].receive_data(data) == frame
    assert ends[Role.CLIENT].state is ends[Role.SERVER].state
