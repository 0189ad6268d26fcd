from __future__ import annotations

import pytest

from chatproto.operations.codec import structure
from chatproto.operations.sliding_sync import SlidingSyncV4
from chatproto.server.sliding.windows import read_asked_v4
from tests.unit.server.harness import refused
from tests.unit.server.sliding.client import bodies

NAME, TOPIC = ("m.room.name", ""), ("m.room.topic", "")
ANN, BOB = ("m.room.member", "@ann:x"), ("m.room.member", "@bob:x")
EVERY = {NAME, TOPIC, ANN, BOB}


def body(*, limit=1, state=None, pos=None, **more):
    asked = {"timeline_limit": limit, "required_state": state or {}, **more}
    return {"lists": {"all": asked}, **({"pos": pos} if pos else {})}


async def ask(person, **asked):
    return await person.call(structure(SlidingSyncV4, body(**asked)))


async def test_rooms_have_the_last_names(ann, bob, room):
    for text in ("one", "two"):
        await ann.say(room, text)
    invited = await ann.create(invite=[bob.id])
    state = {"include": [{"type": "m.room.create"}]}
    first = await ask(bob, state=state, range=[0, 9])
    assert first["lists"] == {"all": {"count": 2}}
    found = first["rooms"][room]
    assert bodies(found["timeline_events"]) == ["two"]
    assert [e["type"] for e in found["required_state"]] == ["m.room.create"]
    assert first["rooms"][invited]["stripped_state"]
    more = (await ask(bob, limit=2, state=state, range=[0, 9], pos=first["pos"]))[
        "rooms"
    ]
    assert bodies(more[room]["timeline_events"]) == ["one", "two"]
    assert more[room]["expanded_timeline"] is True


@pytest.mark.parametrize(("wanted", "count"), [(True, 1), (False, 1), (None, 2)])
async def test_invitations_are_filtered(ann, bob, room, wanted, count):
    await ann.create(invite=[bob.id])
    answer = await ask(bob, filters={} if wanted is None else {"is_invited": wanted})
    assert answer["lists"]["all"]["count"] == count == len(answer["rooms"])


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, set()),
        ({"include": [{}]}, EVERY),
        ({"include": [{"type": "m.room.member"}]}, {ANN, BOB}),
        ({"include": [{"state_key": ""}]}, {NAME, TOPIC}),
        ({"include": [{"type": "m.room.name", "state_key": ""}]}, {NAME}),
        ({"include": [{}], "exclude": [{"type": "m.room.member"}]}, {NAME, TOPIC}),
        ({"include": [{}], "exclude": [{}]}, set()),
        ({"exclude": [{}]}, set()),
        ({"include": [{}], "lazy_members": True}, {NAME, TOPIC}),
    ],
    ids=str,
)
def test_state_is_matched(state, expected):
    request = structure(SlidingSyncV4, body(state=state))
    wanted = read_asked_v4(request).lists["all"].wanted.state
    assert {key for key in EVERY if wanted.matches(*key)} == expected
    assert wanted.lazy_members == state.get("lazy_members", False)


@pytest.mark.parametrize(
    "asked",
    [
        {"range": [1, 0]},
        {"range": [0]},
        {"limit": -1},
        {"state": {"include": [{"type": str(n)} for n in range(251)]}},
        {"state": {"exclude": [{"type": str(n)} for n in range(251)]}},
    ],
    ids=range(5),
)
async def test_nonsense_is_refused(bob, asked):
    with refused("M_INVALID_PARAM", 400):
        await ask(bob, **asked)
