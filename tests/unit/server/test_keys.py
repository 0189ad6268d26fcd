from __future__ import annotations

import pytest
import trio

from chatproto.operations.accounts import (
    ChangePassword,
    Deactivate,
    DeleteDevices,
    Logout,
    LogoutAll,
    RenameDevice,
)
from chatproto.operations.keys import ClaimKeys, QueryKeys, UploadKeys
from tests.unit.server.harness import refused

CURVE = "signed_curve25519"


def device_keys(person, **more):
    device = person.caller.device_id
    return {
        "user_id": person.id,
        "device_id": device,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
        "keys": {f"ed25519:{device}": "public"},
        "signatures": {person.id: {f"ed25519:{device}": "signature"}},
        **more,
    }


def one_time(*names):
    return {f"{CURVE}:{name}": {"key": f"key {name}"} for name in names}


async def publish(person, **more):
    return await person.call(UploadKeys(device_keys=device_keys(person), **more))


async def query(person, *users, devices=()):
    wanted = {user: tuple(devices) for user in users}
    return await person.call(QueryKeys(device_keys=wanted))


async def claim(person, other, algorithm=CURVE):
    wanted = {other.id: {other.caller.device_id: algorithm}}
    answer = await person.call(ClaimKeys(one_time_keys=wanted))
    found = answer.one_time_keys.get(other.id, {}).get(other.caller.device_id, {})
    return next(iter(found), None)


async def left(person):
    body = await person.sync()
    return (
        body["device_one_time_keys_count"],
        body["device_unused_fallback_key_types"],
    )


def auth(person):
    name = person.id[1:].partition(":")[0]
    return {"type": "m.login.password", "password": f"{name}pass"}


async def test_keys_are_published_and_asked_for(ann, bob):
    await publish(bob)
    device = bob.caller.device_id
    await bob.call(RenameDevice(device_id=device, display_name="Bob's phone"))
    found = (await query(ann, bob.id)).device_keys[bob.id]
    unsigned = {"device_display_name": "Bob's phone"}
    assert found == {device: {**device_keys(bob), "unsigned": unsigned}}


async def test_devices_are_asked_for_by_name(chat, ann, bob):
    laptop = await chat.person("bob")
    await publish(bob)
    await publish(laptop)
    everything = (await query(ann, bob.id)).device_keys[bob.id]
    assert set(everything) == {bob.caller.device_id, laptop.caller.device_id}
    one = await query(ann, bob.id, devices=[laptop.caller.device_id, "NONE"])
    assert set(one.device_keys[bob.id]) == {laptop.caller.device_id}


async def test_unknown_users_have_no_devices_and_strangers_fail(ann):
    answer = await query(ann, "@none:example.org", "@far:elsewhere.org")
    assert answer.device_keys == {"@none:example.org": {}}
    assert set(answer.failures) == {"elsewhere.org"}


@pytest.mark.parametrize(
    ("more", "errcode"),
    [
        ({"user_id": "@ann:example.org"}, "M_INVALID_PARAM"),
        ({"device_id": "OTHER"}, "M_INVALID_PARAM"),
        ({"keys": None}, "M_BAD_JSON"),
        ({"extra": 1.5}, "M_BAD_JSON"),
    ],
)
async def test_keys_of_another_device_are_refused(bob, more, errcode):
    with refused(errcode):
        await bob.call(UploadKeys(device_keys=device_keys(bob, **more)))


async def test_one_time_keys_are_counted(bob):
    answer = await publish(bob, one_time_keys=one_time("a", "b"))
    assert answer.one_time_key_counts == {CURVE: 2}
    again = await bob.call(UploadKeys(one_time_keys=one_time("b", "c")))
    assert again.one_time_key_counts == {CURVE: 3}
    assert await left(bob) == ({CURVE: 3}, [])


async def test_another_key_of_the_same_name_is_refused(bob):
    await bob.call(UploadKeys(one_time_keys=one_time("a")))
    with refused("M_INVALID_PARAM"):
        await bob.call(UploadKeys(one_time_keys={f"{CURVE}:a": {"key": "other"}}))


@pytest.mark.parametrize(
    ("keys", "errcode"),
    [
        ({"noalgorithm": {}}, "M_INVALID_PARAM"),
        ({":id": {}}, "M_INVALID_PARAM"),
        ({f"{CURVE}:": {}}, "M_INVALID_PARAM"),
        ({f"{CURVE}:{'x' * 300}": {}}, "M_INVALID_PARAM"),
        ({f"{CURVE}:a": 1}, "M_BAD_JSON"),
        (one_time(*range(1_001)), "M_LIMIT_EXCEEDED"),
    ],
)
async def test_wrong_one_time_keys_are_refused(bob, keys, errcode):
    with refused(errcode):
        await bob.call(UploadKeys(one_time_keys=keys))
    assert await left(bob) == ({CURVE: 0}, [])


async def test_keys_are_claimed_in_order_and_once_each(chat, ann, bob):
    await bob.call(UploadKeys(one_time_keys=one_time("z")))
    chat.clock.ms += 1
    await bob.call(UploadKeys(one_time_keys=one_time("a", "b")))
    claimed = [await claim(ann, bob) for _ in range(4)]
    assert claimed == [f"{CURVE}:z", f"{CURVE}:a", f"{CURVE}:b", None]
    assert await left(bob) == ({CURVE: 0}, [])


async def test_claims_at_once_get_different_keys(chat, bob):
    people = await chat.people(*(f"u{number}" for number in range(6)))
    await bob.call(UploadKeys(one_time_keys=one_time(*range(10))))
    claimed = []

    async def take(person):
        claimed.append(await claim(person, bob))

    async with trio.open_nursery() as nursery:
        for person in people * 2:
            nursery.start_soon(take, person)
    given = [name for name in claimed if name is not None]
    assert len(given) == len(set(given)) == 10
    assert claimed.count(None) == 2


async def test_fallback_key_is_given_out_again_and_again(ann, bob):
    fallback = {f"{CURVE}:f": {"key": "fallback", "fallback": True}}
    await bob.call(UploadKeys(one_time_keys=one_time("a"), fallback_keys=fallback))
    assert await left(bob) == ({CURVE: 1}, [CURVE])
    claimed = [await claim(ann, bob) for _ in range(3)]
    assert claimed == [f"{CURVE}:a", f"{CURVE}:f", f"{CURVE}:f"]
    assert await left(bob) == ({CURVE: 0}, [])
    await bob.call(UploadKeys(fallback_keys=fallback))
    assert await left(bob) == ({CURVE: 0}, [])
    await bob.call(UploadKeys(fallback_keys={f"{CURVE}:g": {"key": "new"}}))
    assert await left(bob) == ({CURVE: 0}, [CURVE])


async def test_plain_keys_are_given_out_as_they_came(ann, bob):
    await bob.call(UploadKeys(one_time_keys={"curve25519:a": "text"}))
    wanted = {bob.id: {bob.caller.device_id: "curve25519"}}
    answer = await ann.call(ClaimKeys(one_time_keys=wanted))
    assert answer.one_time_keys[bob.id] == {
        bob.caller.device_id: {"curve25519:a": "text"}
    }


async def test_claims_of_strangers_fail(ann):
    wanted = {"@far:elsewhere.org": {"D": CURVE}, "@none:example.org": {"D": CURVE}}
    answer = await ann.call(ClaimKeys(one_time_keys=wanted))
    assert answer.one_time_keys == {}
    assert set(answer.failures) == {"elsewhere.org"}


async def test_too_many_at_once_are_refused(ann):
    many = {f"@u{number}:example.org": () for number in range(1_001)}
    with refused("M_TOO_LARGE"):
        await ann.call(QueryKeys(device_keys=many))
    devices = {f"D{number}": CURVE for number in range(1_001)}
    with refused("M_TOO_LARGE"):
        await ann.call(ClaimKeys(one_time_keys={ann.id: devices}))


@pytest.mark.parametrize("how", ["logout", "all", "delete", "password", "deactivate"])
async def test_keys_go_with_the_device(chat, ann, how):
    bob, laptop = await chat.person("bob"), await chat.person("bob")
    for device in (bob, laptop):
        fallback = {f"{CURVE}:f": {"key": "f"}}
        await publish(device, one_time_keys=one_time("a"), fallback_keys=fallback)
    await {
        "logout": lambda: laptop.call(Logout()),
        "all": lambda: bob.call(LogoutAll()),
        "delete": lambda: bob.call(
            DeleteDevices(devices=(laptop.caller.device_id,), auth=auth(bob))
        ),
        "password": lambda: bob.call(
            ChangePassword(new_password="another1", auth=auth(bob))
        ),
        "deactivate": lambda: bob.call(Deactivate(auth=auth(bob))),
    }[how]()
    remaining = set((await query(ann, bob.id)).device_keys[bob.id])
    stays = set() if how in ("all", "deactivate") else {bob.caller.device_id}
    assert remaining == stays
    assert await claim(ann, laptop) is None
    for table in ("one_time_keys", "fallback_keys", "device_keys"):
        rows = await chat.rows(table, user_id=bob.id)
        assert {row["device_id"] for row in rows} == stays
