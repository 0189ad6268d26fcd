from __future__ import annotations

import json
from contextlib import asynccontextmanager

import httpx2
import pytest
import trio
from attrs import evolve

from chatproto.decisions import Caller, Decision, Put, PutReceipt
from chatproto.operations.receipts import SetTyping
from chatproto.operations.rooms import CreateAlias
from chatproto.server.appservices import pushing as pushing_module
from chatproto.server.appservices.overheard import MAX_KEPT, Ears
from chatproto.server.appservices.pushing import MAX_EVENTS, Pushing
from chatproto.server.appservices.registration import Namespace, Registration
from chatproto.server.appservices.services import Claims
from tests.unit.server.harness import OPERATOR, SERVER, HeldStore, open_chat

BRIDGE = Registration(
    id="irc",
    url="http://bridge.test/at",
    as_token="as-secret",
    hs_token="hs-secret",
    sender_localpart="ircbot",
    users=(Namespace("@irc_"),),
    aliases=(Namespace("#irc_"),),
    rooms=(Namespace("!of_irc"),),
    receive_ephemeral=True,
)


class Bridge:
    """Takes transactions, or answers as it is told to."""

    def __init__(self):
        self.requests = []
        self.status = 200

    def answer(self, request):
        self.requests.append(request)
        if isinstance(self.status, Exception):
            raise self.status
        return httpx2.Response(self.status, json={})

    @property
    def transactions(self):
        return [(str(r.url), r.content) for r in self.requests]

    @property
    def events(self):
        return [e for r in self.requests for e in json.loads(r.content)["events"]]

    @property
    def ephemeral(self):
        found = (json.loads(r.content).get("ephemeral", []) for r in self.requests)
        return [event for events in found for event in events]

    @property
    def bodies(self):
        return [e["content"]["body"] for e in self.events if "body" in e["content"]]


@pytest.fixture
def bridge():
    return Bridge()


@pytest.fixture
async def store():
    return HeldStore()


@pytest.fixture
async def chat(store):
    async with open_chat(store) as chat:
        yield chat


@pytest.fixture
async def ghost(chat):
    return await chat.person("irc_ann")


@asynccontextmanager
async def told(chat, bridge, registration=BRIDGE):
    """A service that is told what happens within the block."""
    engine = chat.engine
    async with (
        httpx2.AsyncClient(transport=httpx2.MockTransport(bridge.answer)) as client,
        trio.open_nursery() as nursery,
    ):
        pushing = Pushing(
            Claims(registration, SERVER),
            engine.store,
            engine.formats,
            lambda decision: engine.commit(Caller(), decision),
            lambda: engine.position().pos,
            chat.clock.now_ms,
            client,
        )
        engine.delivery.ears = [pushing.ears] if pushing.ears else []
        nursery.start_soon(pushing.run)
        await trio.sleep(1)
        try:
            yield pushing
        finally:
            pushing.wake()
            await trio.sleep(1)
            nursery.cancel_scope.cancel()


async def test_messages_arrive_in_order(autojump_clock, chat, bridge, ghost, ann):
    room = await chat.room_of(ann, ghost)
    async with told(chat, bridge):
        for number in range(5):
            await ann.say(room, f"{number}")
    assert bridge.bodies == ["0", "1", "2", "3", "4"]
    first = bridge.requests[0]
    assert first.method == "PUT"
    assert first.url.path.startswith("/at/_matrix/app/v1/transactions/")
    assert first.headers["Authorization"] == "Bearer hs-secret"
    event = bridge.events[0]
    assert (event["room_id"], event["sender"]) == (room, ann.id)


async def test_history_before_is_not_told(autojump_clock, chat, bridge, ghost):
    room = await ghost.create()
    await ghost.say(room, "before")
    async with told(chat, bridge):
        pass
    assert bridge.requests == []


async def test_rooms_of_others_are_not_told(autojump_clock, chat, bridge, ann, bob):
    room = await chat.room_of(ann, bob)
    async with told(chat, bridge):
        await ann.say(room)
    assert bridge.requests == []


async def test_invitation_of_ghost_is_told(autojump_clock, chat, bridge, ghost, ann):
    room = await ann.create()
    async with told(chat, bridge):
        await ann.say(room, "before")
        await ann.invite(room, ghost)
        await ann.say(room, "not yet in")
    (event,) = bridge.events
    assert (event["type"], event["state_key"]) == ("m.room.member", ghost.id)


async def test_room_is_told_while_ghost_is_in(autojump_clock, chat, bridge, ghost, ann):
    room = await ann.create(preset="public_chat")
    async with told(chat, bridge) as pushing:
        await ann.say(room, "1")
        await ghost.join(room)
        await ann.say(room, "2")
        await ghost.leave(room)
        await ann.say(room, "3")
        pushing.wake()
        await trio.sleep(1)
        await ann.say(room, "4")
        await ghost.join(room)
        await ann.say(room, "5")
    assert bridge.bodies == ["2", "5"]


async def test_room_with_alias_is_told(autojump_clock, chat, bridge, ann):
    room = await ann.create()
    async with told(chat, bridge) as pushing:
        await ann.say(room, "1")
        pushing.wake()
        await trio.sleep(1)
        await ann.call(CreateAlias(room_alias="#irc_x:example.org", room_id=room))
        await ann.say(room, "2")
    assert bridge.bodies == ["2"]


async def test_room_by_its_id_is_told(autojump_clock, chat, bridge, ann):
    room = await ann.create()
    by_id = evolve(BRIDGE, rooms=(Namespace(room),))
    async with told(chat, bridge, by_id):
        await ann.say(room, "1")
    assert bridge.bodies == ["1"]


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(500, id="status"),
        pytest.param(302, id="redirect"),
        pytest.param(httpx2.ConnectError("gone"), id="no connection"),
        pytest.param(RuntimeError("ours"), id="mistake"),
    ],
)
async def test_refused_transaction_is_repeated(
    autojump_clock, chat, bridge, ghost, ann, failure
):
    room = await chat.room_of(ann, ghost)
    async with told(chat, bridge) as pushing:
        bridge.status = failure
        await ann.say(room, "first")
        pushing.wake()
        await trio.sleep(0.5)
        await ann.say(room, "second")
        pushing.wake()
        await trio.sleep(4)
        bridge.status = 200
        await trio.sleep(10)
    repeated, last = bridge.transactions[:-1], bridge.transactions[-1]
    assert len(repeated) == 4  # at 0, 1, 3 and 7 seconds
    assert len(set(repeated)) == 1
    assert "second" not in repeated[0][1].decode()
    assert "second" in last[1].decode()


async def test_waits_are_bounded(autojump_clock, chat, bridge, ghost):
    room = await ghost.create()
    async with told(chat, bridge) as pushing:
        bridge.status = 500
        await ghost.say(room)
        pushing.wake()
        await trio.sleep(10_000)
        count = len(bridge.requests)
        await trio.sleep(600)
        assert len(bridge.requests) - count == 2
        bridge.status = 200
        pushing.try_again()
        await trio.sleep(1)
        assert len(bridge.requests) - count == 3


async def test_ended_server_repeats_the_same(autojump_clock, chat, bridge, ghost, ann):
    room = await chat.room_of(ann, ghost)
    bridge.status = 500
    async with told(chat, bridge):
        await ann.say(room, "first")
    await ann.say(room, "while it was away")
    bridge.status = 200
    async with told(chat, bridge):
        pass
    first, again, last = bridge.transactions
    assert first == again
    assert "while it was away" in last[1].decode()
    assert int(last[0].rsplit("/", 1)[1]) == int(first[0].rsplit("/", 1)[1]) + 1


async def test_ghost_that_left_meanwhile_is_told_what_it_saw(
    autojump_clock, chat, bridge, ghost, ann
):
    room = await ann.create(preset="public_chat")
    async with told(chat, bridge):
        pass
    await ann.say(room, "1")
    await ghost.join(room)
    await ann.say(room, "2")
    await ghost.leave(room)
    await ann.say(room, "3")
    await ghost.join(room)
    await ghost.leave(room)
    async with told(chat, bridge):
        pass
    assert bridge.bodies == ["2"]


async def test_many_events_are_many_transactions(
    autojump_clock, chat, bridge, ghost, ann
):
    room = await chat.room_of(ann, ghost)
    async with told(chat, bridge):
        pass
    count = MAX_EVENTS * 2 + 5
    for number in range(count):
        await ann.say(room, f"{number}")
    async with told(chat, bridge):
        pass
    assert [len(json.loads(body)["events"]) for _, body in bridge.transactions] == [
        MAX_EVENTS,
        MAX_EVENTS,
        5,
    ]
    assert bridge.bodies == [f"{number}" for number in range(count)]


async def test_long_events_are_split(
    autojump_clock, chat, bridge, ghost, ann, monkeypatch
):
    monkeypatch.setattr(pushing_module, "MAX_BYTES", 10_000)
    room = await chat.room_of(ann, ghost)
    async with told(chat, bridge):
        pass
    for number in range(4):
        await ann.say(room, f"{number}" + "x" * 4_000)
    await ann.say(room, "4" + "x" * 20_000)
    async with told(chat, bridge):
        pass
    assert [body[0] for body in bridge.bodies] == ["0", "1", "2", "3", "4"]
    assert len(bridge.requests) == 3


async def test_what_cannot_be_stored_is_not_sent(
    autojump_clock, chat, bridge, ghost, store
):
    room = await ghost.create()
    async with told(chat, bridge) as pushing:
        await ghost.say(room, "1")
        store.is_held, store.error = True, OSError("disk full")
        pushing.wake()
        await trio.sleep(0.5)
        assert bridge.requests == []
        store.release()
        store.error = None
        await trio.sleep(5)
    assert bridge.bodies == ["1"]


async def test_long_silence_is_noted(autojump_clock, chat, bridge, ann, monkeypatch):
    monkeypatch.setattr(pushing_module, "_NOTED_EVERY", 5)
    room = await ann.create()
    async with told(chat, bridge):
        for number in range(6):
            await ann.say(room, f"{number}")
    (row,) = await chat.rows("appservices")
    assert row["pos"] == chat.engine.position().pos
    assert bridge.requests == []


async def test_typing_and_receipts_are_told(autojump_clock, chat, bridge, ghost, ann):
    room = await chat.room_of(ann, ghost)
    event_id = await ann.say(room)
    async with told(chat, bridge):
        typing = {"typing": True, "timeout": 1_000}
        await ann.call(SetTyping(room_id=room, user_id=ann.id, **typing))
        await ann.read(room, event_id)
        await ann.read(room, event_id, "m.read.private")
        await ghost.read(room, event_id, "m.read.private")
    ours = [e for e in bridge.ephemeral if e["type"] != "m.presence"]
    assert ours[0] == {
        "type": "m.typing",
        "room_id": room,
        "content": {"user_ids": [ann.id]},
    }
    kinds = [next(iter(e["content"][event_id])) for e in ours[1:]]
    assert kinds == ["m.read", "m.read.private"]
    assert ghost.id in ours[2]["content"][event_id]["m.read.private"]


async def test_presence_of_company_is_told(
    autojump_clock, chat, bridge, ghost, ann, bob
):
    await chat.room_of(ann, ghost)
    async with told(chat, bridge):
        for person in (ann, bob):
            await person.sync(timeout=0, set_presence="online")
    told_of = {e["sender"] for e in bridge.ephemeral if e["type"] == "m.presence"}
    assert told_of == {ann.id}


async def test_ephemeral_is_told_only_if_wanted(
    autojump_clock, chat, bridge, ghost, ann
):
    room = await chat.room_of(ann, ghost)
    event_id = await ann.say(room)
    async with told(chat, bridge, evolve(BRIDGE, receive_ephemeral=False)):
        await ann.read(room, event_id)
    assert bridge.requests == []


def test_newest_of_a_kind_is_kept():
    calls = []
    ears = Ears(lambda: calls.append(1))
    ears.typing("!a:x", ["@ann:x"])
    ears.typing("!b:x", [])
    ears.typing("!a:x", [])
    assert [one.event["room_id"] for one in ears.take(5)] == ["!b:x", "!a:x"]
    assert len(calls) == 3
    assert ears.is_empty


def test_ears_are_bounded():
    ears = Ears(lambda: None)
    for number in range(MAX_KEPT + 10):
        ears.presence(f"@ann{number}:x", {}, ())
    assert len(ears.take(MAX_KEPT * 2)) == MAX_KEPT


def test_fully_read_is_nobodys_business():
    ears = Ears(lambda: None)
    ears.receipt(
        PutReceipt(
            room_id="!a:x",
            user_id="@ann:x",
            type="m.fully_read",
            event_id="$a",
            seq=1,
            ts=1,
        )
    )
    assert ears.is_empty


async def test_second_service_has_its_own_position(autojump_clock, chat, bridge, ghost):
    row = {"id": "other", "pos": 0, "txn": 7, "pending": None}
    await chat.engine.commit(
        OPERATOR, Decision(writes=(Put(table="appservices", row=row),))
    )
    room = await ghost.create()
    async with told(chat, bridge):
        await ghost.say(room)
    assert len(await chat.rows("appservices")) == 2
    assert len(bridge.events) == 1
