from __future__ import annotations

import pytest
import trio

from chatproto.operations.account_data import SendToDevice
from chatproto.operations.keys import ClaimKeys, UploadKeys
from chatproto.operations.push import SetPushRule
from chatproto.operations.receipts import SetTyping
from tests.unit.server.harness import refused
from tests.unit.server.sliding.client import Client, windows


def wanting(*names, ranges=((0, 9),), **more):
    """A body with one list and these extensions."""
    wanted = {name: {"enabled": True, **more} for name in names}
    return {**windows(*ranges), "extensions": wanted}


async def said(client, name, **body):
    return (await client.sync(**body))["extensions"].get(name)


async def send_to(ann, bob, kind="m.dummy", **content):
    messages = {bob.id: {bob.caller.device_id: content}}
    request = SendToDevice(event_type=kind, txn_id=ann.txn(), messages=messages)
    await ann.call(request)


async def typing(person, room, *, is_typing=True):
    await person.call(
        SetTyping(room_id=room, user_id=person.id, typing=is_typing, timeout=30_000)
    )


# to_device


async def test_to_device_messages_come_until_confirmed(ann, bob):
    client, body = Client(bob), wanting("to_device")
    await send_to(ann, bob, a=1)
    first = await said(client, "to_device", **body)
    assert [e["content"] for e in first["events"]] == [{"a": 1}]
    again = await said(client, "to_device")
    assert again["events"] == first["events"]
    body = wanting("to_device", since=first["next_batch"])
    assert (await said(client, "to_device", **body))["events"] == []


async def test_to_device_messages_come_in_parts(ann, bob):
    for number in range(5):
        await send_to(ann, bob, n=number)
    client, since, found = Client(bob), {}, []
    for _ in range(3):
        body = wanting("to_device", limit=2, **since)
        part = await said(client, "to_device", **body)
        found += [e["content"]["n"] for e in part["events"]]
        since = {"since": part["next_batch"]}
    assert found == [0, 1, 2, 3, 4]


async def test_since_from_the_future_means_all(ann, bob):
    await send_to(ann, bob, a=1)
    part = await said(Client(bob), "to_device", **wanting("to_device", since="99999"))
    assert len(part["events"]) == 1


async def test_since_of_another_kind_is_refused(bob):
    with refused("M_INVALID_PARAM"):
        await Client(bob).sync(**wanting("to_device", since="s1_2_3"))


# e2ee


async def test_key_counts_are_always_said(bob):
    part = await said(Client(bob), "e2ee", **wanting("e2ee"))
    assert part == {
        "device_one_time_keys_count": {"signed_curve25519": 0},
        "device_unused_fallback_key_types": [],
    }


async def test_who_comes_is_in_device_lists(chat, ann, bob):
    client = Client(bob)
    await client.sync(**wanting("e2ee"))
    await chat.room_of(ann, bob)
    part = await said(client, "e2ee")
    assert ann.id in part["device_lists"]["changed"]
    assert "device_lists" not in await said(client, "e2ee")


async def test_claimed_key_is_news(ann, bob, room, autojump_clock):
    keys = {"signed_curve25519:A": {"key": "a"}, "signed_curve25519:B": {"key": "b"}}
    await bob.call(UploadKeys(one_time_keys=keys))
    client = Client(bob)
    part = await said(client, "e2ee", **wanting("e2ee"))
    assert part["device_one_time_keys_count"] == {"signed_curve25519": 2}
    wanted = {bob.id: {bob.caller.device_id: "signed_curve25519"}}
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait():
            answer = await client.sync(wait_ms=30_000)
            counts = answer["extensions"]["e2ee"]["device_one_time_keys_count"]
            assert counts == {"signed_curve25519": 1}
            assert trio.current_time() < 30

        await trio.testing.wait_all_tasks_blocked()
        await ann.call(ClaimKeys(one_time_keys=wanted))


async def test_device_lists_survive_a_lost_connection(chat, ann, bob):
    client = Client(bob)
    await client.sync(**wanting("e2ee"))
    await chat.room_of(ann, bob)
    client.pos = client.pos.rpartition("_")[0] + "_99"
    with refused("M_UNKNOWN_POS"):
        await client.sync()
    client.pos = None
    part = await said(client, "e2ee")
    assert ann.id in part["device_lists"]["changed"]


# account data


async def test_account_data_are_said_once(bob, room):
    await bob.set_data("org.example.a", {"a": 1})
    await bob.set_data("org.example.b", {"b": 1}, room)
    client = Client(bob)
    part = await said(client, "account_data", **wanting("account_data"))
    assert {"type": "org.example.a", "content": {"a": 1}} in part["global"]
    assert part["rooms"][room] == [{"type": "org.example.b", "content": {"b": 1}}]
    assert await said(client, "account_data") is None
    await bob.set_data("org.example.b", {"b": 2}, room)
    part = await said(client, "account_data")
    assert part["rooms"][room] == [{"type": "org.example.b", "content": {"b": 2}}]


async def test_account_data_of_a_room_wait_for_its_window(chat, ann, bob, room):
    other = await chat.room_of(ann, bob)
    await bob.set_data("org.example.b", {"b": 1}, room)
    client = Client(bob)
    body = wanting("account_data", ranges=((0, 0),))
    assert (await said(client, "account_data", **body))["rooms"] == {}
    await ann.say(room)
    part = await said(client, "account_data")
    assert set(part["rooms"]) == {room}
    await bob.set_data("org.example.b", {"b": 2}, room)
    await ann.say(other)
    assert await said(client, "account_data") is None
    await ann.say(room)
    part = await said(client, "account_data")
    assert part["rooms"][room] == [{"type": "org.example.b", "content": {"b": 2}}]


async def test_push_rules_in_force_are_said(ann, bob, room):
    await ann.say(room)
    client = Client(bob)
    answer = await client.sync(**wanting("account_data"))
    assert answer["rooms"][room]["notification_count"] == 1
    shared = answer["extensions"]["account_data"]["global"]
    assert [e["type"] for e in shared] == ["m.push_rules"]
    await bob.call(SetPushRule(kind="room", rule_id=room, actions=()))
    answer = await client.sync()
    assert answer["rooms"][room]["notification_count"] == 0
    [rules] = answer["extensions"]["account_data"]["global"]
    assert rules["content"]["global"]["room"][0]["rule_id"] == room


# receipts


async def test_receipts_of_what_is_there_are_said(ann, bob, room):
    first = await ann.say(room, "one")
    await bob.read(room, first)
    client = Client(ann)
    part = await said(client, "receipts", **wanting("receipts"))
    found = part["rooms"][room]
    assert found["type"] == "m.receipt"
    assert bob.id in found["content"][first]["m.read"]
    assert await said(client, "receipts") is None
    second = await ann.say(room, "two")
    await bob.read(room, second)
    part = await said(client, "receipts")
    assert set(part["rooms"][room]["content"]) == {second}


async def test_private_receipts_are_ones_own(ann, bob, room):
    event = await ann.say(room)
    clients = [Client(ann), Client(bob)]
    for client in clients:
        await client.sync(**wanting("receipts"))
    await bob.read(room, event, "m.read.private")
    assert await said(clients[0], "receipts") is None
    part = await said(clients[1], "receipts")
    assert set(part["rooms"][room]["content"][event]) == {"m.read.private"}


async def test_reading_lowers_the_count(ann, bob, room):
    event = await ann.say(room)
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    await bob.read(room, event)
    found = (await client.sync())["rooms"][room]
    assert found["notification_count"] == 0
    assert "timeline" not in found


# typing


async def test_typing_comes_and_goes(ann, bob, room):
    client = Client(bob)
    assert await said(client, "typing", **wanting("typing")) is None
    await typing(ann, room)
    part = await said(client, "typing")
    assert part["rooms"][room]["content"] == {"user_ids": [ann.id]}
    assert await said(client, "typing") is None
    await typing(ann, room, is_typing=False)
    part = await said(client, "typing")
    assert part["rooms"][room]["content"] == {"user_ids": []}


async def test_who_types_is_said_at_once(ann, bob, room):
    await typing(ann, room)
    part = await said(Client(bob), "typing", **wanting("typing"))
    assert part["rooms"][room]["content"] == {"user_ids": [ann.id]}


# which rooms


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, {"listed", "subscribed"}),
        ({"lists": []}, {"subscribed"}),
        ({"rooms": []}, {"listed"}),
        ({"lists": ["all"], "rooms": []}, {"listed"}),
        ({"lists": ["other"], "rooms": []}, set()),
        ({"lists": [], "rooms": ["!none:example.org"]}, set()),
        ({"lists": [], "rooms": ["listed"]}, {"listed"}),
    ],
    ids=str,
)
async def test_extension_is_of_chosen_rooms(ann, bob, chat, chosen, expected):
    rooms = {name: await chat.room_of(ann, bob) for name in ("subscribed", "listed")}
    for name in rooms.values():
        await bob.set_data("org.example.b", {"b": 1}, name)
    if "rooms" in chosen:
        chosen = {**chosen, "rooms": [rooms.get(n, n) for n in chosen["rooms"]]}
    subscription = {rooms["subscribed"]: {"timeline_limit": 1}}
    body = wanting("account_data", ranges=((0, 0),), **chosen)
    part = await said(
        Client(bob), "account_data", **body, room_subscriptions=subscription
    )
    found = set(part["rooms"]) if part else set()
    assert found == {rooms[name] for name in expected}
