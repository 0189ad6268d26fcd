from __future__ import annotations

import pytest

from chatproto.operations.account_data import (
    DeleteTag,
    GetAccountData,
    GetRoomAccountData,
    GetTags,
    SetTag,
)
from tests.unit.server.harness import refused

KIND = "org.example.x"


async def read(person, kind=KIND, room=None):
    where = {"user_id": person.id, "type": kind}
    if room is None:
        return await person.call(GetAccountData(**where))
    return await person.call(GetRoomAccountData(**where, room_id=room))


async def told(person, room=None, since=None):
    """The account data in what sync tells: of the account, or of a room."""
    body = await person.sync(since)
    if room is not None:
        body = body.get("rooms", {}).get("join", {}).get(room, {})
    return body.get("account_data", {}).get("events", [])


async def tags(person, room):
    return (await person.call(GetTags(user_id=person.id, room_id=room))).tags


@pytest.mark.parametrize("of_room", [False, True], ids=["account", "room"])
async def test_data_is_kept_and_told(chat, bob, room, of_room):
    where = room if of_room else None
    laptop = await chat.person("bob")
    since = await laptop.position()
    await bob.set_data(KIND, {"a": 1}, where)
    await bob.set_data(KIND, {"a": 2}, where)
    assert await read(laptop, room=where) == {"a": 2}
    event = {"type": KIND, "content": {"a": 2}}
    assert await told(laptop, where, since) == [event]
    assert event in await told(laptop, where)


async def test_data_is_for_oneself(ann, bob, room):
    since = await ann.position()
    await bob.set_data(KIND, {"secret": 1})
    await bob.set_data(KIND, {"secret": 1}, room)
    assert await told(ann, since=since) == await told(ann, room, since) == []
    with refused("M_NOT_FOUND", status=404):
        await read(ann)
    with refused("M_NOT_FOUND", status=404):
        await read(ann, room=room)


async def test_data_of_account_and_room_are_apart(bob, room):
    await bob.set_data(KIND, {"of": "account"})
    await bob.set_data(KIND, {"of": "room"}, room)
    assert await read(bob) == {"of": "account"}
    assert await read(bob, room=room) == {"of": "room"}


@pytest.mark.parametrize("kind", ["m.fully_read", "m.push_rules"])
@pytest.mark.parametrize("of_room", [False, True], ids=["account", "room"])
async def test_data_of_the_server_is_not_set_by_hand(bob, room, kind, of_room):
    with refused("M_BAD_JSON", status=405):
        await bob.set_data(kind, {}, room if of_room else None)


async def test_data_needs_a_type(bob):
    with refused("M_INVALID_PARAM"):
        await bob.set_data("", {})


# tags


async def test_tags_are_put_on_and_taken_off(bob, room):
    where = {"user_id": bob.id, "room_id": room}
    assert await tags(bob, room) == {}
    await bob.call(SetTag(**where, tag="m.favourite", content={"order": 1}))
    await bob.call(SetTag(**where, tag="u.work"))
    assert await tags(bob, room) == {"m.favourite": {"order": 1}, "u.work": {}}
    await bob.call(DeleteTag(**where, tag="m.favourite"))
    await bob.call(DeleteTag(**where, tag="m.unknown"))
    assert await tags(bob, room) == {"u.work": {}}


async def test_tags_are_told_to_oneself(ann, bob, room):
    since = await bob.position()
    await bob.call(SetTag(user_id=bob.id, room_id=room, tag="m.favourite"))
    content = {"tags": {"m.favourite": {}}}
    assert await told(bob, room, since) == [{"type": "m.tag", "content": content}]
    assert await told(ann, room) == []
    assert await tags(ann, room) == {}


async def test_tags_survive_data_of_another_shape(bob, room):
    await bob.set_data("m.tag", {"tags": "none"}, room)
    assert await tags(bob, room) == {}
    await bob.call(SetTag(user_id=bob.id, room_id=room, tag="m.favourite"))
    assert await tags(bob, room) == {"m.favourite": {}}
