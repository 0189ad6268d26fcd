from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatproto.errors import MatrixError
from chatproto.operations.accounts import ChangePassword
from chatproto.operations.messages import SendEvent
from chatproto.operations.profiles import SetDisplayName
from chatproto.operations.rooms import CreateAlias, CreateRoom
from chatproto.operations.sync import StoreFilter, Sync
from tests.unit.server.harness import HeldStore, json_of, open_chat, refused

PROOF = {"type": "m.login.password", "password": "annpass"}


@pytest.fixture
def store():
    return HeldStore()


@pytest.fixture
async def chat(store):
    async with open_chat(store) as chat:
        yield chat


def send(room, txn="t"):
    content = {"msgtype": "m.text", "body": txn}
    return SendEvent(
        room_id=room, event_type="m.room.message", txn_id=txn, content=content
    )


REQUESTS = {
    "send": lambda room, me: send(room),
    "create": lambda room, me: CreateRoom(),
    "alias": lambda room, me: CreateAlias(room_alias="#a:example.org", room_id=room),
    "name": lambda room, me: SetDisplayName(user_id=me, displayname="New"),
    "filter": lambda room, me: StoreFilter(user_id=me, filter={}),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_failed_call_is_told_and_undone(store, ann, room, name):
    request = REQUESTS[name](room, ann.id)
    before = store._db.serialize()
    store.error = OSError("disk full")
    with refused("M_UNAVAILABLE", status=503) as caught:
        await ann.call(request)
    assert caught.value.retry_after_ms
    assert store._db.serialize() == before
    store.error = None
    await ann.call(request)


async def test_all_of_a_batch_are_told(store, ann, bob, room):
    codes = []

    async def call(person, txn):
        with refused("M_UNAVAILABLE") as caught:
            await person.call(send(room, txn))
        codes.append(caught.value.errcode)

    store.is_held, store.error = True, OSError("disk full")
    async with trio.open_nursery() as nursery:
        for txn in ("1", "2", "3"):
            nursery.start_soon(call, ann, txn)
            nursery.start_soon(call, bob, txn)
        await wait_all_tasks_blocked()
        store.release()
    assert len(codes) == 6


async def test_room_goes_on_where_it_was_stored(store, ann, room):
    await ann.say(room, "before")
    store.error = OSError("disk full")
    with refused("M_UNAVAILABLE"):
        await ann.say(room, "lost")
    store.error = None
    await ann.say(room, "after")
    page = await ann.history(room, dir="f")
    seqs = [event["unsigned"]["org.chatproto.seq"] for event in page.chunk]
    assert seqs == list(range(1, len(seqs) + 1))
    assert await ann.bodies(room) == ["before", "after"]
    timeline = await store.timeline(room)
    assert timeline.depth == len(seqs)


async def test_room_that_failed_is_not_there(store, chat, ann):
    store.error = OSError("disk full")
    with refused("M_UNAVAILABLE"):
        await ann.call(CreateRoom(room_alias_name="a"))
    store.error = None
    assert await chat.rows("rooms") == await chat.rows("aliases") == []
    await ann.call(CreateRoom(room_alias_name="a"))


async def test_repeat_after_a_failure_is_done(store, ann, room):
    store.error = OSError("disk full")
    with refused("M_UNAVAILABLE"):
        await ann.call(send(room))
    store.error = None
    first = json_of(await ann.call(send(room)))
    assert json_of(await ann.call(send(room))) == first
    assert await ann.bodies(room) == ["t"]


async def test_failed_change_ends_no_session(store, chat, ann):
    other = await chat.person("ann")
    store.error = OSError("disk full")
    request = ChangePassword(new_password="new password", auth=PROOF)
    with refused("M_UNAVAILABLE"):
        await ann.call(request)
    await chat.engine.authenticate(other.token)
    store.error = None
    await ann.call(request)
    with refused("M_UNKNOWN_TOKEN"):
        await chat.engine.authenticate(other.token)


async def test_nobody_hears_of_what_failed(store, ann, bob, room, autojump_clock):
    since = await bob.position()
    bodies = []

    async def listen():
        bodies.append(await bob.call(Sync(since=since, timeout=5_000)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await wait_all_tasks_blocked()
        store.error = OSError("disk full")
        with refused("M_UNAVAILABLE"):
            await ann.say(room)
    assert "rooms" not in bodies[0]


async def test_too_much_waiting_is_refused(store, ann, room, monkeypatch):
    monkeypatch.setattr("chatproto.server.engine.MAX_PENDING", 3)
    store.is_held = True
    async with trio.open_nursery() as nursery:
        for txn in ("1", "2", "3", "4"):
            nursery.start_soon(ann.call, send(room, txn))
        await wait_all_tasks_blocked()
        with refused("M_LIMIT_EXCEEDED", status=503) as caught:
            await ann.call(send(room, "5"))
        assert caught.value.retry_after_ms
        assert await ann.bodies(room) == []
        store.release()
    await ann.call(send(room, "5"))
    assert sorted(await ann.bodies(room)) == ["1", "2", "3", "4", "5"]


async def test_crash_is_told_to_all_who_repeat(store, ann, room, monkeypatch):
    async def txn_reply(*_):
        await trio.lowlevel.checkpoint()
        raise OSError("the disk is gone")

    monkeypatch.setattr(store, "txn_reply", txn_reply)
    told = []

    async def call():
        with pytest.raises((OSError, MatrixError)) as caught:
            await ann.call(send(room))
        told.append(caught.type)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(call)
        nursery.start_soon(call)
    assert set(told) == {OSError, MatrixError}
