from __future__ import annotations

import pytest

from chatproto.operations.rooms import InitialState
from tests.unit.server.sliding.client import Client, windows

ENCRYPTION = InitialState(
    type="m.room.encryption", content={"algorithm": "m.megolm.v1.aes-sha2"}
)


@pytest.fixture
async def rooms(chat, ann, bob):
    """Bob's rooms by what is particular about them."""
    found = {
        "plain": await chat.room_of(ann, bob, name="Plaice"),
        "direct": await chat.room_of(ann, bob),
        "encrypted": await chat.room_of(ann, bob, initial_state=(ENCRYPTION,)),
        "space": await chat.room_of(ann, bob, creation_content={"type": "m.space"}),
        "child": await chat.room_of(ann, bob),
        "tagged": await chat.room_of(ann, bob),
        "invited": await ann.create(invite=[bob.id]),
    }
    via = {"via": ["example.org"]}
    await ann.set_state(found["space"], "m.space.child", via, found["child"])
    await ann.set_state(found["space"], "m.space.child", {}, found["plain"])
    await bob.set_data("m.direct", {ann.id: [found["direct"]], "@x:y": "nonsense"})
    await bob.set_data("m.tag", {"tags": {"m.favourite": {}}}, found["tagged"])
    return found


ALL = {"plain", "direct", "encrypted", "space", "child", "tagged", "invited"}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ALL),
        ({"is_dm": True}, {"direct"}),
        ({"is_dm": False}, ALL - {"direct"}),
        ({"is_encrypted": True}, {"encrypted"}),
        ({"is_encrypted": False}, ALL - {"encrypted"}),
        ({"is_invite": True}, {"invited"}),
        ({"is_invite": False}, ALL - {"invited"}),
        ({"room_types": ["m.space"]}, {"space"}),
        ({"room_types": [None]}, ALL - {"space"}),
        ({"room_types": [None, "m.space"]}, ALL),
        ({"not_room_types": ["m.space"]}, ALL - {"space"}),
        ({"not_room_types": [None]}, {"space"}),
        ({"room_types": ["m.space"], "not_room_types": ["m.space"]}, set()),
        ({"room_name_like": "LAI"}, {"plain"}),
        ({"room_name_like": ""}, ALL),
        ({"tags": ["m.favourite", "u.x"]}, {"tagged"}),
        ({"tags": ["u.x"]}, set()),
        ({"not_tags": ["m.favourite"]}, ALL - {"tagged"}),
        ({"tags": ["m.favourite"], "not_tags": ["m.favourite"]}, set()),
        ({"spaces": ["space"]}, {"child"}),
        ({"spaces": ["plain", "invited", "!none:x"]}, set()),
        ({"is_dm": False, "is_invite": False, "tags": ["m.favourite"]}, {"tagged"}),
    ],
    ids=str,
)
async def test_list_has_what_passes(bob, rooms, filters, expected):
    if "spaces" in filters:
        spaces = [rooms.get(name, name) for name in filters["spaces"]]
        filters = {**filters, "spaces": spaces}
    answer = await Client(bob).sync(**windows([0, 99], filters=filters))
    names = {room: name for name, room in rooms.items()}
    assert {names[room] for room in answer["rooms"]} == expected
    assert answer["lists"]["all"]["count"] == len(expected)


async def test_room_appears_when_it_passes(ann, bob, rooms):
    client = Client(bob)
    await client.sync(**windows([0, 99], filters={"is_encrypted": True}))
    await ann.set_state(
        rooms["plain"], "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}
    )
    answer = await client.sync()
    assert set(answer["rooms"]) == {rooms["plain"]}
    assert answer["lists"]["all"]["count"] == 2


async def test_tag_moves_between_lists(bob, rooms):
    client = Client(bob)
    await client.sync(**windows([0, 99], filters={"tags": ["u.work"]}))
    await bob.set_data("m.tag", {"tags": {"u.work": {}}}, rooms["plain"])
    answer = await client.sync()
    assert set(answer["rooms"]) == {rooms["plain"]}
