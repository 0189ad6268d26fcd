from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field
from chatproto_polls import MODULE
from chatproto_polls.operations import START_POLL
from jsonschema import Draft202012Validator

from chatproto.operations.table import OPERATIONS
from chatproto.sync import vectors
from chatproto.testing import MemoryTransport, log_in, open_engine
from chatproto.wire.schema import asyncapi

TABLE = OPERATIONS.with_operations(MODULE.operations)
DOCUMENT = asyncapi(TABLE, version="1.2.3")
MESSAGES = DOCUMENT["components"]["messages"]
ITEMS = ("SyncItem", "EventItem", "ReceiptItem", "TypingItem", "PresenceItem")
ITEMS += ("AccountDataItem", "UnreadItem", "ToDeviceItem", "DeviceListsItem")


def errors(schema, value):
    whole = {**schema, "components": DOCUMENT["components"]}
    return [e.message for e in Draft202012Validator(whole).iter_errors(value)]


def fits(message, frame):
    assert errors(MESSAGES[message]["payload"], frame) == [], (message, frame)


def push_fits(frame):
    """Each item by its own kind: one among many hides what is wrong with it."""
    fits("push" if "push" in frame else "position", frame)
    for item in frame.get("push", ()):
        (key,) = item
        kind = "".join(word.title() for word in key.split("_")) + "Item"
        assert errors(DOCUMENT["components"]["schemas"][kind], item) == [], item


@define(eq=False)
class Client:
    """One end of a socket that checks all that it hears."""

    wire: object
    heard: set[str] = field(factory=set)
    _number: int = 0

    async def says(self, frame):
        await self.wire.send(json.dumps(frame).encode())

    async def hears(self):
        frame = json.loads(await self.wire.receive())
        if "re" not in frame:
            (kind,) = {"push", "at", "welcome", "pong", "goodbye", "resync"} & (
                frame.keys() - ({"at"} if "push" in frame else set())
            )
            self.heard |= {key for item in frame.get("push", ()) for key in item}
            self.heard.add(kind)
            push_fits(frame) if kind in ("push", "at") else fits(kind, frame)
        return frame

    async def calls(self, name, /, **fields):
        self._number += 1
        call = {"id": self._number, "do": name, "with": fields}
        fits(f"{name}.call", call)
        await self.says(call)
        while (frame := await self.hears()).get("re") != self._number:
            pass
        if "err" in frame:
            fits("error", frame)
            return frame["err"]
        fits(f"{name}.reply", frame)
        return frame["ok"]

    async def hears_all(self, *kinds):
        with trio.fail_after(60):
            while not self.heard >= set(kinds):
                await self.hears()


@pytest.fixture
async def engine():
    async with open_engine("ann", "bob", modules=(MODULE,)) as engine:
        yield engine


@asynccontextmanager
async def client(engine, name, **hello):
    token = await log_in(engine, name)
    async with MemoryTransport(engine).socket() as wire:
        one = Client(wire)
        await one.says({"hello": {"token": token, **hello}})
        await one.hears_all("welcome", "sync")
        yield one


async def test_what_a_server_says_is_as_described(engine, autojump_clock):
    async with client(engine, "ann") as ann, client(engine, "bob") as bob:
        ann_id = (await ann.calls("account.whoami"))["user_id"]
        bob_id = (await bob.calls("account.whoami"))["user_id"]
        room = await ann.calls("room.create", invite=[bob_id], name="Lunch")
        where = {"room_id": room["room_id"]}
        await bob.calls("room.join", **where)
        sent = await ann.calls(
            "room.send",
            **where,
            event_type="m.room.message",
            txn_id="1",
            content={"msgtype": "m.text", "body": "hello"},
        )
        event = {**where, "event_id": sent["event_id"]}
        await bob.calls("typing.set", **where, user_id=bob_id, typing=True)
        await bob.calls("receipt.send", **event, receipt_type="m.read")
        status = {"status_msg": "eating", "org.chatproto.expires_in_ms": 60_000}
        await ann.calls(
            "presence.set", user_id=ann_id, presence="unavailable", **status
        )
        await bob.calls(
            "account_data.set", user_id=bob_id, type="org.x", content={"a": 1.5}
        )
        await ann.calls(
            "to_device.send",
            event_type="org.x",
            txn_id="2",
            messages={bob_id: {"*": {}}},
        )
        await ann.calls("room.redact", **event, txn_id="3", reason="a slip")
        await bob.hears_all("event", "unread", "account_data", "to_device", "presence")
        await ann.hears_all("event", "receipt", "typing")
        await ann.says({"ping": 1})
        await ann.hears_all("pong")


READS = [
    ("account.login_flows", {}),
    ("account.whoami", {}),
    ("device.list", {}),
    ("server.versions", {}),
    ("server.capabilities", {}),
    ("room.list_joined", {}),
    ("directory.list", {}),
    ("directory.search", {"filter": {"generic_search_term": "lunch"}}),
    ("users.search", {"search_term": "bob"}),
    ("media.config", {}),
    ("sync", {}),
    ("profile.get", {"user_id": "@ann:example.org"}),
    ("presence.get", {"user_id": "@ann:example.org"}),
    ("tag.list", {"user_id": "@ann:example.org", "room_id": "ROOM"}),
    ("state.list", {"room_id": "ROOM"}),
    ("state.get", {"room_id": "ROOM", "event_type": "m.room.create"}),
    ("room.history", {"room_id": "ROOM"}),
    ("room.members", {"room_id": "ROOM"}),
    ("room.joined_members", {"room_id": "ROOM"}),
    ("room.event", {"room_id": "ROOM", "event_id": "EVENT"}),
    ("room.context", {"room_id": "ROOM", "event_id": "EVENT"}),
    ("relations.list", {"room_id": "ROOM", "event_id": "EVENT"}),
    ("room.threads", {"room_id": "ROOM"}),
    ("alias.list", {"room_id": "ROOM"}),
    ("directory.get_visibility", {"room_id": "ROOM"}),
]


@pytest.mark.parametrize(("name", "fields"), READS, ids=[name for name, _ in READS])
async def test_real_answer_is_as_described(engine, autojump_clock, name, fields):
    async with client(engine, "ann") as ann:
        who = await ann.calls("account.whoami")
        made = await ann.calls("room.create", visibility="public", name="Lunch")
        where = {"room_id": made["room_id"]}
        poll = {"question": "Lunch?", "options": ["soup", "salad"]}
        started = await ann.calls(START_POLL.name, **where, txn_id="1", **poll)
        known = {
            "ROOM": made["room_id"],
            "EVENT": started["poll"],
            "@ann:example.org": who["user_id"],
        }
        filled = {k: known.get(str(v), v) for k, v in fields.items()}
        answer = await ann.calls(name, **filled)
        assert "errcode" not in answer


async def test_refusal_is_as_described(engine, autojump_clock):
    async with client(engine, "ann") as ann:
        assert (await ann.calls("room.leave", room_id="?"))["errcode"]
        proof = await ann.calls("account.deactivate")
        assert (proof["errcode"], len(proof["flows"])) == ("M_UNAUTHORIZED", 1)


async def test_resync_and_goodbye_are_as_described(engine, autojump_clock):
    async with client(engine, "ann", since="nonsense") as ann:
        assert "resync" in ann.heard
        await ann.says({"shout": 1})
        await ann.hears_all("goodbye")


PUSHES = [
    pytest.param(step["frame"], id=f"{vector['name']}-{number}")
    for vector in vectors.load()
    if vector["name"] != "malformed"
    for number, step in enumerate(vector["steps"])
    if {"at", "push"} & step.get("frame", {}).keys()
]


@pytest.mark.parametrize("frame", PUSHES)
def test_push_of_a_vector_is_as_described(frame):
    push_fits(frame)


@pytest.mark.parametrize("item", ITEMS)
def test_empty_item_does_not_fit(item):
    assert errors(DOCUMENT["components"]["schemas"][item], {}) != []
