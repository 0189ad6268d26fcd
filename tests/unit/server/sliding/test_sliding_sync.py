from __future__ import annotations

import pytest

from tests.unit.server.harness import refused
from tests.unit.server.sliding.client import Client, bodies, windows


async def test_first_answer_tells_rooms(ann, bob, room):
    await ann.say(room, "hello")
    answer = await Client(bob).sync(**windows([0, 9], state=[["m.room.create", ""]]))
    assert answer["lists"] == {"all": {"count": 1}}
    found = answer["rooms"][room]
    assert found["initial"] is True
    assert found["membership"] == "join"
    assert found["joined_count"] == 2
    assert found["notification_count"] == 1
    assert bodies(found["timeline"]) == ["hello"]
    assert [e["type"] for e in found["required_state"]] == ["m.room.create"]
    assert found["num_live"] == 0
    assert found["heroes"][0]["user_id"] == ann.id


async def test_next_answer_tells_what_is_new(ann, bob, room):
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    await ann.say(room, "news")
    found = (await client.sync())["rooms"][room]
    assert bodies(found["timeline"]) == ["news"]
    assert found["num_live"] == 1
    assert found["limited"] is False
    assert set(found) == {
        *("timeline", "limited", "prev_batch", "num_live", "bump_stamp"),
        *("notification_count", "lists"),
    }
    assert (await client.sync())["rooms"] == {}


async def test_lost_answer_loses_nothing(ann, bob, room):
    client = Client(bob)
    start = (await client.sync(**windows([0, 9])))["pos"]
    await ann.say(room, "one")
    lost = await client.sync()
    await ann.say(room, "two")
    again = await client.sync(start)
    assert bodies(lost["rooms"][room]["timeline"]) == ["one"]
    assert bodies(again["rooms"][room]["timeline"]) == ["one", "two"]
    assert (await client.sync())["rooms"] == {}
    with refused("M_UNKNOWN_POS", 400):
        await client.sync(start)


@pytest.mark.parametrize("pos", ["", "s0_0_0_0", "s1", "nonsense", "7"])
async def test_unknown_pos_is_refused(ann, pos):
    client = Client(ann)
    with refused("M_UNKNOWN_POS", 400):
        await client.sync(pos or "x", **windows([0, 9]))
    await client.sync(**windows([0, 9]))
    with refused("M_UNKNOWN_POS", 400):
        await client.sync(pos or "x", **windows([0, 9]))
