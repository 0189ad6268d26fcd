from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.errors import MatrixError
from chatproto.operations.search import GetEventAtTime
from tests.unit.server.harness import open_chat, refused


async def at_time(person, room, ts, direction):
    found = await person.call(GetEventAtTime(room_id=room, ts=ts, dir=direction))
    return found.event_id, found.origin_server_ts


@given(
    pauses=st.lists(st.integers(0, 3), max_size=12),
    left_after=st.integers(0, 12),
    offset=st.integers(-2, 30),
    direction=st.sampled_from("bf"),
)
async def test_event_found_is_the_nearest(pauses, left_after, offset, direction):
    async with open_chat() as chat:
        ann, bob = await chat.people("ann", "bob")
        ts = chat.clock.now_ms() + offset
        room = await chat.room_of(ann, bob)
        for number, pause in enumerate(pauses):
            chat.clock.advance_ms(pause)
            if number == left_after:
                await bob.leave(room)
            await ann.say(room)
        seen = (await bob.history(room, dir="f")).chunk
        try:
            found = await at_time(bob, room, ts, direction)
        except MatrixError as error:
            assert error.errcode == "M_NOT_FOUND"  # noqa: PT017
            found = None
    stamps = [(e["event_id"], e["origin_server_ts"]) for e in seen]
    if direction == "f":
        expected = next((each for each in stamps if each[1] >= ts), None)
    else:
        expected = next((each for each in reversed(stamps) if each[1] <= ts), None)
    assert found == expected


async def test_other_direction_is_refused(ann, room):
    with refused("M_INVALID_PARAM"):
        await at_time(ann, room, 0, "x")


@pytest.mark.parametrize("ts", [-(2**53), 0, 2**53])
async def test_stranger_is_told_nothing(cat, room, ts):
    with refused("M_FORBIDDEN"):
        await at_time(cat, room, ts, "f")
