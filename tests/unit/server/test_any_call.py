"""Whatever is asked, the answer is an answer or a refusal, never a mistake of ours."""

from __future__ import annotations

import pytest
import trio
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from chatproto.errors import MatrixError
from chatproto.operations.table import OPERATIONS
from chatproto.server.engine import Engine
from chatproto.storage.memory import MemoryStore
from tests.unit.operations.requests import values_with
from tests.unit.server.harness import SERVER, CopiedStore, open_chat

# Found once by asking, and worth asking for again.
WORDS = (
    "",
    "*",
    "{",
    "[]",
    "\0",
    "a" * 256,
    "1",
    "-1",
    "b",
    "f",
    "t0",
    "s1_0_0",
    "all",
    "m.room.message",
    "m.room.member",
    "m.room.power_levels",
    "m.room.canonical_alias",
    "m.reaction",
    "m.read",
    "m.fully_read",
    "m.tag",
    "m.direct",
    "m.push_rules",
    "m.thread",
    "m.replace",
    "m.annotation",
    "m.login.password",
    "m.login.dummy",
    "m.id.user",
    "m.megolm_backup.v1.curve25519-aes-sha2",
    "signed_curve25519:AAAA",
    "curve25519:D",
    "ed25519:D",
    "room",
    "sender",
    "override",
    "content",
    "underride",
    "notify",
    "invite",
    "join",
    "public",
    "world_readable",
    "mxc://example.org/a",
    f"#here:{SERVER}",
    f"@nobody:{SERVER}",
    "@far:other.example",
    "!none:other.example",
)
KEYS = (
    *("m.relates_to", "rel_type", "event_id", "key", "m.in_reply_to", "m.new_content"),
    *("m.mentions", "user_ids", "room", "body", "msgtype", "url", "membership"),
    *("type", "user", "identifier", "password", "session", "token", "types", "senders"),
    *("timeline", "state", "limit", "rooms", "users", "events", "alias", "tags"),
    *("algorithm", "auth_data", "signatures", "keys", "sessions", "session_data"),
    *("first_message_index", "is_verified", "forwarded_count", "key", "fallback"),
    *("device_id", "user_id", "algorithms", "ed25519:D", "usage", "kind", "pattern"),
    *("conditions", "actions", "is", "value", "search_term", "filter", "order_by"),
    *("room_events", "event_context", "groupings", "group_by", "ranges", "lists"),
    *("required_state", "timeline_limit", "enabled", "extensions", "m.tag", "order"),
)


@frozen
class World:
    image: bytes
    words: tuple[str, ...]


@pytest.fixture(scope="module")
def world():
    """Two people in a room where things have been said."""

    async def make():
        store = MemoryStore()
        async with open_chat(store) as chat:
            ann, bob = await chat.people("ann", "bob")
            room = await chat.room_of(ann, bob, room_alias_name="here")
            said = await ann.say(room, "hello")
            answer = await bob.say(room, "hello back")
            await bob.react(room, said)
            words = (room, said, answer, ann.id, bob.id)
            devices = (ann.caller.device_id, bob.caller.device_id)
            return World(CopiedStore.image_of(store), (*WORDS, *words, *devices)), (
                ann.caller,
                bob.caller,
            )

    return trio.run(make)


CALLED = [operation for operation in OPERATIONS if not operation.by_hand]


@pytest.mark.parametrize("operation", CALLED, ids=lambda op: op.name)
def test_any_call_is_answered_or_refused(world, operation):
    known, callers = world
    requests = values_with(known.words, KEYS)(operation.request)

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(asked=st.lists(requests, min_size=1, max_size=4))
    def check(asked):
        clock = MockClock(autojump_threshold=0)
        trio.run(ask, known.image, callers, asked, clock=clock)

    check()


async def ask(image, callers, asked):
    async with open_chat(CopiedStore(image)) as chat:
        for number, request in enumerate(asked):
            await answered(chat.engine, callers[number % 2], request)


async def answered(engine: Engine, caller, request):
    status = 200
    try:
        await engine.call(caller, request)
    except MatrixError as error:
        status = error.status
    assert status < 500
