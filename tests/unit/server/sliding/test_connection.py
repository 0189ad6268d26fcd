from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.errors import MatrixError
from chatproto.server.positions import Position
from chatproto.server.sliding.connection import (
    CONNECTION_WEIGHT,
    MAX_CONNECTIONS_OF_DEVICE,
    Connections,
    Followed,
    KnownRoom,
    Step,
)
from chatproto.server.sliding.wanted import RoomWanted, WantedState
from tests.unit.server.harness import refused

ANN, BOB = ("@ann:x", "A"), ("@bob:x", "B")
KNOWN = KnownRoom(
    membership="join",
    first=1,
    through=1,
    wanted=RoomWanted(1, WantedState()),
    fields={},
)


def step(connections, rooms=0):
    known = {f"!{n}:x": KNOWN for n in range(rooms)}
    at = Position(1, 0, "boot")
    return Step(number=connections.next_number(), at=at, rooms=known)


def answered(connections, connection, rooms=0):
    made = step(connections, rooms)
    connections.answered(connection, made)
    return made


# the states of a connection


def test_sent_answer_is_acknowledged_by_its_pos():
    connections = Connections()
    connection = connections.begin(ANN, "")
    first = answered(connections, connection)
    assert connections.resume(ANN, "", first.pos) == (connection, first)
    second = answered(connections, connection)
    assert connection.resume(first.pos) is first
    assert connection.resume(second.pos) is second
    with refused("M_UNKNOWN_POS"):
        connection.resume(first.pos)


def test_answer_made_again_replaces_the_lost_one():
    connections = Connections()
    connection = connections.begin(ANN, "")
    first = answered(connections, connection)
    connection.resume(first.pos)
    lost = answered(connections, connection)
    connection.resume(first.pos)
    again = answered(connections, connection)
    with refused("M_UNKNOWN_POS"):
        connection.resume(lost.pos)
    assert connection.resume(again.pos) is again


def test_new_connection_knows_no_old_pos():
    connections = Connections()
    old = answered(connections, connections.begin(ANN, ""))
    new = connections.begin(ANN, "")
    with refused("M_UNKNOWN_POS"):
        new.resume(old.pos)
    answered(connections, new)
    with refused("M_UNKNOWN_POS"):
        new.resume(old.pos)


def test_begun_again_ends_the_turn_of_the_elder():
    connections = Connections()
    elder, woken = connections.begin(ANN, ""), []
    turn = elder.take_turn(lambda: woken.append("elder"))
    younger = connections.begin(ANN, "")
    assert elder.turn != turn
    assert woken == ["elder"]
    younger.take_turn(lambda: woken.append("younger"))
    assert woken == ["elder"]


@pytest.mark.parametrize(
    ("place", "conn_id"),
    [(ANN, "other"), (BOB, ""), (("@ann:x", None), "")],
    ids=["conn_id", "user", "device"],
)
def test_connection_is_of_one_device_and_name(place, conn_id):
    connections = Connections()
    connections.begin(ANN, "")
    with refused("M_UNKNOWN_POS"):
        connections.find(place, conn_id)


# memory


def test_device_has_few_connections():
    connections = Connections()
    for number in range(MAX_CONNECTIONS_OF_DEVICE):
        connections.begin(ANN, str(number))
    connections.find(ANN, "0")
    connections.begin(ANN, "more")
    connections.find(ANN, "0")
    with refused("M_UNKNOWN_POS"):
        connections.find(ANN, "1")


def test_longest_unused_is_forgotten_first():
    connections = Connections(max_known_rooms=3 * CONNECTION_WEIGHT + 10)
    for name in ("one", "two"):
        answered(connections, connections.begin((name, "D"), ""), rooms=5)
    connections.find(("one", "D"), "")
    answered(connections, connections.begin(ANN, ""), rooms=1)
    connections.find(("one", "D"), "")
    connections.find(ANN, "")
    with refused("M_UNKNOWN_POS"):
        connections.find(("two", "D"), "")


def test_one_too_large_is_still_answered():
    connections = Connections(max_known_rooms=10)
    connection = connections.begin(ANN, "")
    made = answered(connections, connection, rooms=50)
    assert connections.find(ANN, "").resume(made.pos) is made


NAMES = st.sampled_from(["", "a", "b"])
PLACES = st.sampled_from([ANN, BOB, ("@cat:x", "C")])


@given(st.lists(st.tuples(PLACES, NAMES, st.integers(0, 40)), max_size=30))
def test_weight_is_that_of_what_is_kept(acts):
    connections = Connections(max_known_rooms=100)
    for place, name, rooms in acts:
        try:
            connection = connections.find(place, name)
        except MatrixError:
            connection = connections.begin(place, name)
        answered(connections, connection, rooms)
    kept = []
    for place, name in {act[:2] for act in acts}:
        with suppress(MatrixError):
            kept.append((place, connections.find(place, name).weight))
    assert connections.weight == sum(weight for _, weight in kept)
    assert connections.weight <= 100 or len({place for place, _ in kept}) == 1


# what is followed


@given(
    st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.integers(1, 5)), max_size=10)
)
def test_followed_rooms_are_told_from_where_they_stopped(moves):
    followed, at, sent = Followed(), 0, {}
    for rooms, more in moves:
        for room in "abc":
            assert followed.after(room, at) == sent.get(room, 0)
        followed = followed.moved(rooms, at)
        at += more
        sent |= dict.fromkeys(rooms, at)
    for room in "abc":
        assert followed.after(room, at) == sent.get(room, 0)
