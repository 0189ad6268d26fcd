from __future__ import annotations

import pytest
from trio.testing import wait_all_tasks_blocked

from chatproto.operations.account_data import SendToDevice
from chatproto.server.streams import TO_DEVICE_LIMIT
from chatproto.storage.sqlite import SqliteStore
from tests.unit.server.harness import Person, open_chat, refused


async def send(sender, messages, kind="org.example.x"):
    request = SendToDevice(event_type=kind, txn_id=sender.txn(), messages=messages)
    await sender.call(request)


async def received(person, since=None):
    """The messages of one sync, and where it leads."""
    body = await person.sync(since)
    return body.get("to_device", {"events": []})["events"], body["next_batch"]


def numbers(events):
    return [event["content"]["n"] for event in events]


@pytest.fixture
async def phone(chat):
    return await chat.person("bob", "PHONE")


@pytest.fixture
async def laptop(chat, phone):
    return await chat.person("bob", "LAPTOP")


async def test_message_is_for_one_device(ann, phone, laptop):
    await send(ann, {phone.id: {"PHONE": {"n": 1}}})
    events, _ = await received(phone)
    assert events == [{"type": "org.example.x", "sender": ann.id, "content": {"n": 1}}]
    assert (await received(laptop))[0] == (await received(ann))[0] == []


async def test_star_is_every_device(ann, cat, phone, laptop):
    await send(ann, {phone.id: {"*": {"n": 1}}, cat.id: {"*": {"n": 2}}})
    assert numbers((await received(phone))[0]) == [1]
    assert numbers((await received(laptop))[0]) == [1]
    assert numbers((await received(cat))[0]) == [2]


async def test_message_comes_until_the_next_position(ann, phone):
    await send(ann, {phone.id: {"PHONE": {"n": 1}}})
    since = None
    for _ in range(3):
        events, first = await received(phone, since)
        assert numbers(events) == [1]
    await send(ann, {phone.id: {"PHONE": {"n": 2}}})
    for _ in range(2):
        events, _ = await received(phone, first)
        assert numbers(events) == [2]


async def test_confirmed_message_is_deleted(chat, ann, phone, laptop):
    await send(ann, {phone.id: {"*": {"n": 1}}})
    _, since = await received(phone)
    assert (await received(phone, since))[0] == []
    await wait_all_tasks_blocked()
    left = await chat.rows("to_device")
    assert [row["device_id"] for row in left] == ["LAPTOP"]


async def test_old_position_confirms_nothing_newer(ann, phone):
    _, since = await received(phone)
    await send(ann, {phone.id: {"PHONE": {"n": 1}}})
    for _ in range(2):
        assert numbers((await received(phone, since))[0]) == [1]


async def test_many_messages_come_in_order_and_none_is_lost(ann, phone):
    count = TO_DEVICE_LIMIT * 2 + 1
    for n in range(count):
        await send(ann, {phone.id: {"PHONE": {"n": n}}})
    events, since, sizes = [], None, []
    while len(events) < count:
        page, since = await received(phone, since)
        sizes.append(len(page))
        events += page
    assert numbers(events) == list(range(count))
    assert sizes == [TO_DEVICE_LIMIT, TO_DEVICE_LIMIT, 1]


async def test_messages_behind_many_hold_nothing_else_back(ann, phone):
    room = await ann.create(invite=(phone.id,))
    for n in range(TO_DEVICE_LIMIT + 1):
        await send(ann, {phone.id: {"PHONE": {"n": n}}})
    await phone.join(room)
    await ann.say(room)
    bodies, since = [], None
    for _ in range(2):
        body = await phone.sync(since)
        since = body["next_batch"]
        joined = body.get("rooms", {}).get("join", {}).get(room, {})
        events = joined.get("timeline", {"events": []})["events"]
        bodies += [e["content"]["body"] for e in events if "body" in e["content"]]
    assert bodies == ["hello"]


async def test_unknown_devices_are_passed_over(chat, ann, phone):
    await send(
        ann,
        {
            phone.id: {"PHONE": {"n": 1}, "TABLET": {"n": 2}},
            "@no:example.org": {"*": {}},
            "@no:example.com": {"*": {}},
        },
    )
    assert len(await chat.rows("to_device")) == 1


async def test_message_outlives_a_restart(tmp_path):
    path = tmp_path / "chat.db"
    async with open_chat(SqliteStore(path)) as chat:
        ann, bob = await chat.people("ann", "bob")
        _, since = await received(bob)
        await send(ann, {bob.id: {"*": {"n": 1}}})
    async with open_chat(SqliteStore(path), seed=1) as chat:
        again = Person(chat.engine, bob.caller)
        events, since = await received(again, since)
        assert numbers(events) == [1]
        assert (await received(again, since))[0] == []


@pytest.mark.parametrize(
    ("kind", "messages", "errcode"),
    [
        ("", {"@bob:example.org": {"*": {}}}, "M_INVALID_PARAM"),
        ("x", {"@bob:example.org": {f"D{n}": {} for n in range(1001)}}, "M_TOO_LARGE"),
        ("x", {f"@u{n}:example.org": {"*": {}} for n in range(1001)}, "M_TOO_LARGE"),
    ],
    ids=["no type", "many devices", "many users"],
)
async def test_bad_message_is_refused(chat, ann, phone, kind, messages, errcode):
    with refused(errcode):
        await send(ann, messages, kind)
    assert not await chat.rows("to_device")
