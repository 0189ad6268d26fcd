from __future__ import annotations

import json
import random
from contextlib import asynccontextmanager

import trio
from attrs import define, field
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from chatproto.decisions import Caller, Decision, Put
from chatproto.errors import MatrixError
from chatproto.ids import parse_server_name
from chatproto.operations.account_data import (
    DeleteTag,
    SetAccountData,
    SetRoomAccountData,
    SetTag,
)
from chatproto.operations.messages import RedactEvent, SendEvent, SetState
from chatproto.operations.profiles import SetDisplayName, SetPresence
from chatproto.operations.push import (
    DeletePushRule,
    SetPushRule,
    SetPushRuleEnabled,
)
from chatproto.operations.receipts import SendReceipt, SetTyping
from chatproto.operations.rooms import CreateRoom, Invite, JoinRoom, Kick, LeaveRoom
from chatproto.server.connection import Connection
from chatproto.server.engine import Engine
from chatproto.server.filters import SyncFilter
from chatproto.server.handlers.sessions import user_row
from chatproto.server.positions import Position
from chatproto.server.settings import Settings
from chatproto.signing import SigningKey
from chatproto.storage.memory import MemoryStore
from chatproto.sync.store import ClientState

SERVER = parse_server_name("x")
ME, ANN, BOB = USERS = ("@me:x", "@ann:x", "@bob:x")
EVERYTHING = SyncFilter(timeline_limit=10_000, state_after=True)
OPERATOR = Caller(user_id="@operator:x", is_admin=True)


class TrioClock:
    def now_ms(self):
        return 1_700_000_000_000 + int(trio.current_time() * 1000)

    def monotonic(self):
        return trio.current_time()


class Key:
    def signing_key(self):
        return SigningKey("ed25519:1", bytes(32))


@define(eq=False)
class Sink:
    """Takes frames until it holds `room`; they leave it when they are read."""

    room: int = 10_000
    frames: list = field(factory=list)
    _drained: trio.Event = field(factory=trio.Event)

    def queue(self, frame):
        if len(self.frames) >= self.room:
            return False
        self.frames.append(frame.payload)
        return True

    def flush(self):
        return True

    async def drained(self):
        while self.frames:
            self._drained = trio.Event()
            await self._drained.wait()

    def take(self):
        taken, self.frames = self.frames, []
        self._drained.set()
        return taken


@define(eq=False)
class Client:
    """A device of the user ME: a socket that may stall, break and resume, or /sync."""

    engine: Engine
    nursery: trio.Nursery
    state: ClientState = field(factory=lambda: ClientState(user_id=ME))
    sink: Sink | None = None
    connection: Connection | None = None
    scopes: list = field(factory=list)

    async def connect(self):
        position = self.state.position
        self.sink, self.scopes = Sink(), []
        self.connection = Connection(
            ME,
            "D",
            self.sink,
            read=self.read,
            start=lambda run: self.nursery.start_soon(self.run, self.scopes, run),
            on_end=lambda reason: None,
            since=None if position is None else Position.parse(position),
        )
        self.engine.attach(self.connection, ())
        for room_id in await self.engine.joined_rooms(ME):
            self.engine.subscriptions.join(room_id, ME)
        self.connection.catch_up_soon()

    async def run(self, scopes, function):
        with trio.CancelScope() as scope:
            scopes.append(scope)
            await function()

    async def read(self, since):
        until = self.engine.position()
        body = await self.engine.streams.body(ME, "D", since, until, EVERYTHING)
        return body, Position.parse(body["next_batch"])

    def disconnect(self):
        if self.connection is not None:
            self.engine.detach(self.connection)
            for scope in self.scopes:
                scope.cancel()
            self.connection = self.sink = None

    def take(self, repeat=False):
        """Take over what has arrived; a repetition changes nothing."""
        if self.sink is None:
            return
        frames = self.sink.take()
        for payload in frames * 2 if repeat else frames:
            self.state.apply_frame(json.loads(payload), 0)
        if repeat and frames:
            for payload in frames:
                self.state.apply_frame(json.loads(payload), 0)

    async def sync(self):
        token = self.state.position
        since = None if token is None else Position.parse(token)
        body, _ = await self.read(since)
        self.state.apply_sync(body, 0)


@define(eq=False)
class World:
    """A server with users, rooms, and what was said in them."""

    engine: Engine
    client: Client
    rooms: list = field(factory=list)
    events: dict = field(factory=dict)
    count: int = 0

    async def call(self, user, request):
        caller = Caller(user_id=user, device_id="D" if user == ME else f"D{user[1]}")
        try:
            return await self.engine.call(caller, request)
        except MatrixError as error:
            if error.status >= 500:
                raise
            return None

    async def do(self, step):
        kind, who, where, which, flag = step
        user, room_id = USERS[who], self.rooms[where % len(self.rooms)]
        known = self.events[room_id]
        event_id = known[which % len(known)] if known else "$none"
        self.count += 1
        request = _request(kind, user, room_id, event_id, which, flag, self.count)
        reply = await self.call(user, request)
        if kind in ("send", "notice", "mention") and reply is not None:
            known.append(reply.event_id)


def _request(kind, user, room_id, event_id, which, flag, count):
    txn_id = f"t{count}"

    def send(content, event_type="m.room.message"):
        return SendEvent(
            room_id=room_id, event_type=event_type, txn_id=txn_id, content=content
        )

    relation = {"event_id": event_id}
    target = USERS[which % 3]
    reads = ("m.read", "m.read.private", "m.fully_read")[which % 3]
    content = {"muted": flag}
    return {
        "send": lambda: send({"msgtype": "m.text", "body": f"text {count}"}),
        "notice": lambda: send({"msgtype": "m.notice", "body": "a bot"}),
        "mention": lambda: send(
            {
                "msgtype": "m.text",
                "body": "hear",
                "m.mentions": {"room": True} if flag else {"user_ids": [ME]},
            }
        ),
        "edit": lambda: send(
            {
                "msgtype": "m.text",
                "body": "* new",
                "m.new_content": {"msgtype": "m.text", "body": f"new {count}"},
                "m.relates_to": {"rel_type": "m.replace", **relation},
            }
        ),
        "react": lambda: send(
            {"m.relates_to": {"rel_type": "m.annotation", "key": "+", **relation}},
            "m.reaction",
        ),
        "redact": lambda: RedactEvent(
            room_id=room_id, event_id=event_id, txn_id=txn_id
        ),
        "read": lambda: SendReceipt(
            room_id=room_id,
            receipt_type=reads,
            event_id=event_id,
            thread_id="main" if flag else None,
        ),
        "typing": lambda: SetTyping(
            room_id=room_id, user_id=user, typing=flag, timeout=2_000
        ),
        "invite": lambda: Invite(room_id=room_id, user_id=target),
        "join": lambda: JoinRoom(room_id=room_id),
        "leave": lambda: LeaveRoom(room_id=room_id),
        "kick": lambda: Kick(room_id=room_id, user_id=target),
        "name": lambda: SetState(
            room_id=room_id, event_type="m.room.name", content={"name": f"R{count}"}
        ),
        "mute": lambda: SetRoomAccountData(
            user_id=user, room_id=room_id, type="org.chatproto.muted", content=content
        ),
        "tag": lambda: (
            SetTag(user_id=user, room_id=room_id, tag="m.favourite")
            if flag
            else DeleteTag(user_id=user, room_id=room_id, tag="m.favourite")
        ),
        "presence": lambda: SetPresence(
            user_id=user,
            presence=("online", "unavailable")[flag],
            status_msg=("", "busy")[which % 2],
        ),
        "rename": lambda: SetDisplayName(user_id=user, displayname=f"N{which}"),
        "rule": lambda: _rule(room_id, which, flag),
    }[kind]()


def _rule(room_id, which, flag):
    """Words that are loud or quiet, rooms of which only mentions count, or nothing."""
    actions = ("notify", {"set_tweak": "highlight"}) if flag else ()
    silence = {"kind": "event_match", "key": "room_id", "pattern": room_id}
    word = {"kind": "content", "rule_id": "word"}
    return [
        lambda: SetPushRule(**word, pattern=f"text {which}*", actions=actions),
        lambda: SetPushRule(kind="room", rule_id=room_id, actions=actions),
        lambda: SetPushRule(
            kind="override", rule_id=room_id, conditions=(silence,), actions=actions
        ),
        lambda: SetPushRuleEnabled(
            kind="underride", rule_id=".m.rule.message", enabled=flag
        ),
        lambda: SetPushRuleEnabled(
            kind="override", rule_id=".m.rule.master", enabled=flag
        ),
        lambda: DeletePushRule(**word),
        lambda: SetAccountData(
            user_id=ME,
            type="m.ignored_user_list",
            content={"ignored_users": {BOB: {}} if flag else {}},
        ),
    ][which % 7]()


TOLD = st.sampled_from(
    [
        "send",
        "send",
        "send",
        "notice",
        "mention",
        "edit",
        "react",
        "redact",
        "redact",
        "read",
        "read",
        "typing",
        "invite",
        "join",
        "leave",
        "kick",
        "name",
        "mute",
        "tag",
        "presence",
        "rename",
        "rule",
    ]
)
STEP = st.tuples(
    TOLD, st.integers(0, 2), st.integers(0, 1), st.integers(0, 20), st.booleans()
)
COUNTED = st.sampled_from(["send", "mention", "notice", "redact", "read", "edit"])
BY_RULES = st.one_of(
    st.tuples(
        COUNTED, st.integers(0, 2), st.integers(0, 1), st.integers(0, 9), st.booleans()
    ),
    st.tuples(
        st.just("rule"), st.just(0), st.just(0), st.integers(0, 6), st.booleans()
    ),
)
AT_ONCE = st.lists(STEP, min_size=1, max_size=6)
LINE = st.sampled_from(["take", "take", "repeat", "stall", "cut", "sync", "wait"])
PLAN = st.lists(st.one_of(AT_ONCE, AT_ONCE, LINE), max_size=25)
RULES_AT_ONCE = st.lists(BY_RULES, min_size=1, max_size=6)
PLAN_OF_RULES = st.lists(st.one_of(RULES_AT_ONCE, LINE), min_size=8, max_size=25)


@asynccontextmanager
async def opened(seed):
    rng = random.Random(seed)
    engine = Engine.open(
        Settings(server_name=SERVER, rates=None),
        store=MemoryStore(),
        clock=TrioClock(),
        keys=Key(),
        random=rng.randbytes,
    )
    async with engine as engine, trio.open_nursery() as nursery:
        rows = [user_row(user, password_hash=None, now_ms=0) for user in USERS]
        puts = tuple(Put(table="users", row=row) for row in rows)
        await engine.commit(OPERATOR, Decision(writes=puts))
        world = World(engine, Client(engine, nursery))
        for _ in range(2):
            request = CreateRoom(preset="public_chat", invite=(ME, BOB))
            room = await world.call(ANN, request)
            world.rooms.append(room.room_id)
            world.events[room.room_id] = []
            await world.call(ME, JoinRoom(room_id=room.room_id))
        yield world
        nursery.cancel_scope.cancel()


async def follow(world, plan):
    client = world.client
    await client.connect()
    for step in plan:
        await wait_all_tasks_blocked()
        match step:
            case list():
                async with trio.open_nursery() as nursery:
                    for one in step:
                        nursery.start_soon(world.do, one)
            case "take" | "repeat":
                client.take(repeat=step == "repeat")
            case "stall" if client.sink is not None:
                client.sink.room = len(client.sink.frames) + 1
            case "cut" if client.connection is not None:
                client.disconnect()
            case "cut":
                await client.connect()
            case "sync":
                client.disconnect()
                await client.sync()
            case "wait":
                await trio.sleep(3)


async def settle(world):
    client = world.client
    if client.connection is None:
        await client.connect()
    client.sink.room = 10_000
    await trio.sleep(60)  # whoever was writing has stopped, whoever has gone is offline
    for _ in range(6):
        await wait_all_tasks_blocked()
        client.take()


def known(state):
    """The picture as far as a snapshot tells it: nothing of rooms that were left, nor of
    people who were met only there; of an invitation that it is there, for the room may
    have changed since.
    """
    picture = state.picture()
    there = {
        room_id: room if room["membership"] == "join" else _asked(room)
        for room_id, room in picture["rooms"].items()
        if room["membership"] not in ("leave", "ban")
    }
    near = {
        user_id
        for room in there.values()
        for user_id, member in room.get("state", {}).get("m.room.member", {}).items()
        if member["membership"] == "join"
    }
    presence = {u: p for u, p in picture["presence"].items() if u in near | {ME}}
    return {**picture, "rooms": there, "presence": presence}


def _asked(room):
    return {key: room[key] for key in ("membership", "bump")}


def differences(one, other, path=""):
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        found = (
            differences(one.get(k, "-"), other.get(k, "-"), f"{path}/{k}") for k in keys
        )
        return [difference for each in found for difference in each]
    return [] if one == other else [(path, one, other)]


def holds(plan, seed):
    """A client that got a stream by parts knows what one knows that comes now."""

    async def main():
        async with opened(seed) as world:
            await follow(world, plan)
            await settle(world)
            fresh = ClientState(user_id=ME)
            body, _ = await world.client.read(None)
            fresh.apply_sync(body, 0)
            assert differences(known(world.client.state), known(fresh)) == []

    trio.run(main, clock=MockClock(autojump_threshold=0))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=PLAN, seed=st.integers(0, 3))
def test_snapshot_equals_fold_of_pushes(plan, seed):
    holds(plan, seed)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=PLAN_OF_RULES, seed=st.integers(0, 3))
@example(plan=[[("send", 1, 0, 0, False)], "take", [("rule", 0, 0, 1, False)]], seed=0)
@example(plan=[[("rule", 0, 0, 0, True)], "take", [("send", 1, 0, 0, False)]], seed=0)
def test_snapshot_equals_fold_by_changing_rules(plan, seed):
    holds(plan, seed)
