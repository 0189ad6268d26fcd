from __future__ import annotations

from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatproto.operations.account_data import SendToDevice
from chatproto.operations.accounts import Logout, Refresh
from chatproto.operations.messages import (
    EditMessage,
    ForwardEvent,
    RedactEvent,
    SendEvent,
)
from chatproto.operations.table import OPERATIONS
from chatproto.storage.sqlite import SqliteStore
from tests.unit.server.harness import HeldStore, Person, json_of, open_chat, refused

TEXT = {"msgtype": "m.text", "body": "text"}


def send(room, txn="t", body="text", kind="m.room.message"):
    content = {"msgtype": "m.text", "body": body}
    return SendEvent(room_id=room, event_type=kind, txn_id=txn, content=content)


REPEATED = {
    "room.send": lambda room, event, user: send(room),
    "room.edit": lambda room, event, user: EditMessage(
        room_id=room, event_id=event, txn_id="t", content=TEXT
    ),
    "room.redact": lambda room, event, user: RedactEvent(
        room_id=room, event_id=event, txn_id="t"
    ),
    "room.forward": lambda room, event, user: ForwardEvent(
        room_id=room, from_room_id=room, event_id=event, txn_id="t"
    ),
    "to_device.send": lambda room, event, user: SendToDevice(
        event_type="org.example.x", txn_id="t", messages={user: {"*": {}}}
    ),
}


def test_every_repeatable_operation_is_tested():
    assert set(REPEATED) == {op.name for op in OPERATIONS if op.once_by}


async def stored(chat):
    """How much of everything is stored."""
    tables = ("events", "to_device", "txns")
    return [len(await chat.rows(table)) for table in tables]


@pytest.mark.parametrize("name", REPEATED)
async def test_repeat_is_answered_alike(chat, ann, bob, room, name):
    request = REPEATED[name](room, await ann.say(room), bob.id)
    first = await ann.call(request)
    before = await stored(chat)
    assert await ann.call(request) == first
    assert await stored(chat) == before


@pytest.mark.parametrize("name", REPEATED)
async def test_repeats_at_once_are_one(chat, ann, bob, room, name):
    request = REPEATED[name](room, await ann.say(room), bob.id)
    before = await stored(chat)
    answers = []

    async def call():
        answers.append(json_of(await ann.call(request)))

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(call)
    events, messages, txns = await stored(chat)
    assert answers == [answers[0]] * 4
    assert (events + messages, txns) == (before[0] + before[1] + 1, before[2] + 1)


async def test_repeat_with_another_text_changes_nothing(ann, room):
    first = json_of(await ann.call(send(room, body="one")))
    assert json_of(await ann.call(send(room, body="two"))) == first
    assert await ann.bodies(room) == ["one"]


async def test_same_id_of_another_room_is_new(ann, bob, chat, room):
    other = await chat.room_of(ann, bob)
    await ann.call(send(room))
    await ann.call(send(other))
    assert await ann.bodies(other) == ["text"]


async def test_same_id_of_another_type_is_new(ann, room):
    await ann.call(send(room))
    await ann.call(send(room, kind="org.example.x"))
    assert await ann.bodies(room) == ["text", "text"]


async def test_same_id_of_another_target_is_new(ann, room):
    targets = [await ann.say(room, body) for body in ("one", "two")]
    for target in targets:
        await ann.call(RedactEvent(room_id=room, event_id=target, txn_id="t"))
    assert await ann.bodies(room) == []


async def test_same_id_of_another_device_is_new(ann, chat, room):
    phone = await chat.person("ann")
    await ann.call(send(room))
    await phone.call(send(room))
    assert await ann.bodies(room) == ["text", "text"]


async def test_same_id_of_another_user_is_new(ann, bob, room):
    await ann.call(send(room))
    await bob.call(send(room))
    assert await ann.bodies(room) == ["text", "text"]


async def test_repeat_with_a_renewed_token_is_one(chat, bob):
    ann = await chat.person("ann", "PHONE", refresh_token=True)
    room = await ann.create()
    await ann.call(send(room))
    renewed = await ann.call(Refresh(refresh_token=ann.refresh_token))
    caller = await chat.engine.authenticate(renewed.access_token)
    await chat.engine.call(caller, send(room))
    assert await ann.bodies(room) == ["text"]


async def test_same_id_after_logging_out_is_new(chat, ann, bob, room):
    phone = await chat.person("ann", "PHONE")
    await phone.call(send(room))
    await phone.call(Logout())
    phone = await chat.person("ann", "PHONE")
    await phone.call(send(room))
    assert await ann.bodies(room) == ["text", "text"]


async def test_refusal_is_not_remembered(ann, cat, room):
    with refused("M_FORBIDDEN"):
        await cat.call(send(room))
    await ann.invite(room, cat)
    await cat.join(room)
    await cat.call(send(room))
    assert await ann.bodies(room) == ["text"]


async def test_refusal_is_for_all_who_repeat(cat, room):
    codes = []

    async def call():
        with refused("M_FORBIDDEN") as caught:
            await cat.call(send(room))
        codes.append(caught.value.errcode)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(call)
    assert len(codes) == 3


async def test_repeat_outlives_the_first_call():
    store, answers = HeldStore(), []
    async with open_chat(store) as chat, trio.open_nursery() as nursery:
        ann, bob = await chat.people("ann", "bob")

        async def call(txn):
            messages = {bob.id: {"*": {}}}
            request = SendToDevice(event_type="x", txn_id=txn, messages=messages)
            answers.append(json_of(await ann.call(request)))

        async def first():
            with scope:
                await call("t")

        store.is_held, scope = True, trio.CancelScope()
        for task in (partial(call, "before"), first, partial(call, "t")):
            nursery.start_soon(task)
            await wait_all_tasks_blocked()
        scope.cancel()
        store.release()
        await wait_all_tasks_blocked()
        assert answers == [{}, {}]
        assert len(await chat.rows("to_device")) == 2


async def test_repeat_after_a_restart_is_one(tmp_path):
    path = tmp_path / "chat.db"
    async with open_chat(SqliteStore(path)) as chat:
        ann = await chat.person("ann")
        room = await ann.create()
        first = json_of(await ann.call(send(room)))
    async with open_chat(SqliteStore(path), seed=1) as chat:
        again = Person(chat.engine, ann.caller)
        assert json_of(await again.call(send(room))) == first
        assert await again.bodies(room) == ["text"]
