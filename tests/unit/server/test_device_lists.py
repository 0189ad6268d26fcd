from __future__ import annotations

import pytest

from chatproto.operations.accounts import Logout, RenameDevice
from chatproto.operations.keys import GetKeyChanges, UploadKeys
from chatproto.operations.rooms import Ban, Kick
from tests.unit.server.test_keys import device_keys


async def publish(person, **more):
    await person.call(UploadKeys(device_keys=device_keys(person, **more)))


async def changes(person, since):
    """What /sync and /keys/changes say; they agree."""
    body = await person.sync(since)
    told = body.get("device_lists", {"changed": [], "left": []})
    asked = await person.call(GetKeyChanges(from_=since, to=body["next_batch"]))
    assert told == {"changed": list(asked.changed), "left": list(asked.left)}
    return set(asked.changed), set(asked.left)


@pytest.fixture
async def since(ann, bob, room):
    return await ann.position()


async def test_new_keys_are_told_to_who_shares_a_room(chat, ann, bob, cat, since):
    alone = await cat.position()
    await publish(bob)
    assert await changes(ann, since) == ({bob.id}, set())
    assert await changes(bob, since) == ({bob.id}, set())
    assert await changes(cat, alone) == (set(), set())


async def test_same_keys_again_are_no_news(ann, bob, since):
    await publish(bob)
    since = await ann.position()
    await publish(bob)
    assert await changes(ann, since) == (set(), set())


async def test_end_of_a_device_is_told(chat, ann, room):
    phone = await chat.person("bob")
    await publish(phone)
    since = await ann.position()
    await phone.call(Logout())
    assert await changes(ann, since) == ({phone.id}, set())


async def test_new_name_of_a_device_is_told(ann, bob, since):
    rename = RenameDevice(device_id=bob.caller.device_id, display_name="New")
    await bob.call(rename)
    assert await changes(ann, since) == ({bob.id}, set())


async def test_who_comes_is_told(ann, bob, cat, room, since):
    await ann.invite(room, cat)
    assert await changes(ann, since) == (set(), set())
    lonely = await cat.position()
    await cat.join(room)
    assert await changes(ann, since) == ({cat.id}, set())
    assert await changes(cat, lonely) == ({ann.id, bob.id}, set())


@pytest.mark.parametrize("how", ["leave", "kick", "ban"])
async def test_who_goes_is_told(ann, bob, room, since, how):
    with_bob = await bob.position()
    if how == "leave":
        await bob.leave(room)
    else:
        call = Kick if how == "kick" else Ban
        await ann.call(call(room_id=room, user_id=bob.id))
    assert await changes(ann, since) == (set(), {bob.id})
    assert await changes(bob, with_bob) == (set(), {ann.id})


async def test_who_shares_another_room_has_not_gone(chat, ann, bob, room):
    await chat.room_of(bob, ann)
    since = await ann.position()
    await bob.leave(room)
    assert await changes(ann, since) == (set(), set())


async def test_who_goes_and_comes_back_is_told_as_changed(ann, bob, room, since):
    await bob.leave(room)
    await ann.invite(room, bob)
    await bob.join(room)
    assert await changes(ann, since) == ({bob.id}, set())


async def test_first_sync_says_nothing(ann, bob, room):
    await publish(bob)
    assert "device_lists" not in await ann.sync()


async def test_change_is_told_once(ann, bob, since):
    await publish(bob)
    body = await ann.sync(since)
    assert body["device_lists"] == {"changed": [bob.id], "left": []}
    assert "device_lists" not in await ann.sync(body["next_batch"])
