from __future__ import annotations

import json

import httpx2
import pytest
import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from chatproto.operations.accounts import Logout
from chatproto.operations.push import (
    ListPushers,
    SetPusher,
    SetPushRule,
    SetPushRuleEnabled,
)
from chatproto.storage.memory import MemoryStore
from tests.unit.server.harness import CopiedStore, json_of, open_chat, refused

URL = "https://push.example.org/_matrix/push/v1/notify"
KEY = {"app_id": "org.example.app", "pushkey": "key"}


@define(eq=False)
class Gateway(httpx2.AsyncBaseTransport):
    """Takes what it is told; says `answers` first, one after another."""

    answers: list = field(factory=list)
    told: list = field(factory=list)
    asked: int = 0
    seconds: float = 0

    async def handle_async_request(self, request):
        body = json.loads(await request.aread())
        self.asked += 1
        await trio.sleep(self.seconds)
        status, answer = self.answers.pop(0) if self.answers else (200, {})
        if status == 200:
            self.told.append({"url": str(request.url), **body["notification"]})
        return httpx2.Response(status, content=json.dumps(answer).encode())

    def ids(self):
        return [each["event_id"] for each in self.told if "event_id" in each]


@pytest.fixture
def gateway(monkeypatch):
    gateway = Gateway()
    monkeypatch.setattr(
        "chatproto.server.outbound.guarded_client",
        lambda *_, **__: httpx2.AsyncClient(transport=gateway),
    )
    return gateway


@pytest.fixture
async def chat(gateway):
    async with open_chat() as chat:
        yield chat


def pusher(*, app="org.example.app", key="key", kind="http", append=False, **data):
    return SetPusher(
        pushkey=key,
        app_id=app,
        kind=kind,
        app_display_name="App",
        device_display_name="Phone",
        lang="en",
        data={"url": URL, **data},
        append=append,
    )


async def settled():
    await trio.sleep(10)
    await wait_all_tasks_blocked()


async def test_message_is_told(gateway, ann, bob, room, autojump_clock):
    await ann.set_state(room, "m.room.name", {"name": "Kitchen"})
    await bob.call(pusher(brand="app"))
    event_id = await ann.say(room, "hello")
    await settled()
    (told,) = gateway.told
    assert told == {
        "url": URL,
        "event_id": event_id,
        "room_id": room,
        "type": "m.room.message",
        "sender": ann.id,
        "sender_display_name": "ann",
        "room_name": "Kitchen",
        "content": {"msgtype": "m.text", "body": "hello"},
        "counts": {"unread": 1},
        "prio": "high",  # a room of two
        "devices": [
            {
                **KEY,
                "pushkey_ts": told["devices"][0]["pushkey_ts"],
                "data": {"brand": "app"},
                "tweaks": {"sound": "default"},
            }
        ],
    }


async def test_gateway_may_know_the_event_id_only(
    gateway, ann, bob, room, autojump_clock
):
    await bob.call(pusher(format="event_id_only"))
    await ann.say(room, "secret")
    await settled()
    (told,) = gateway.told
    assert set(told) == {"url", "event_id", "room_id", "counts", "prio", "devices"}
    assert "secret" not in json.dumps(told)


async def test_what_does_not_notify_is_not_told(
    gateway, ann, bob, room, autojump_clock
):
    await bob.call(pusher())
    await bob.say(room)
    await ann.send(room, {"msgtype": "m.notice", "body": "built"})
    said = await bob.say(room)
    await ann.react(room, said)
    await ann.set_state(room, "m.room.topic", {"topic": "t"})
    await settled()
    assert gateway.told == []


async def test_own_rules_decide(gateway, ann, bob, room, autojump_clock):
    await bob.call(pusher())
    loud = ("notify", {"set_tweak": "highlight"}, {"set_tweak": "sound", "value": "x"})
    word = {"kind": "content", "rule_id": "cake", "pattern": "cake"}
    await bob.call(SetPushRule(**word, actions=loud))
    await ann.say(room, "a cake")
    await settled()
    tweaks = {"sound": "x", "highlight": True}
    assert gateway.told[0]["devices"][0]["tweaks"] == tweaks
    master = {"kind": "override", "rule_id": ".m.rule.master"}
    await bob.call(SetPushRuleEnabled(**master, enabled=True))
    await ann.say(room, "another cake")
    await settled()
    assert len(gateway.told) == 1


async def test_invitation_is_told(gateway, ann, cat, autojump_clock):
    room = await ann.create(name="Kitchen")
    await cat.call(pusher())
    await ann.invite(room, cat)
    await settled()
    (told,) = gateway.told
    assert told["type"] == "m.room.member"
    assert told["user_is_target"] is True
    assert told["counts"] == {"unread": 1}


async def test_room_is_heard_once_joined_and_not_after(
    gateway, ann, cat, autojump_clock
):
    room = await ann.create(preset="public_chat")
    await cat.call(pusher())
    await ann.say(room, "before")
    await cat.join(room)
    event_id = await ann.say(room, "hello")
    await settled()
    assert gateway.ids() == [event_id]
    await cat.leave(room)
    await ann.say(room, "after")
    await settled()
    assert gateway.ids() == [event_id]


async def test_reading_takes_the_badge_away(gateway, ann, bob, room, autojump_clock):
    await bob.call(pusher())
    event_id = await ann.say(room)
    await settled()
    await bob.read(room, event_id)
    await settled()
    assert [each["counts"]["unread"] for each in gateway.told] == [1, 0]
    assert "event_id" not in gateway.told[1]


async def test_what_was_read_at_once_is_not_told(
    gateway, ann, bob, room, autojump_clock
):
    gateway.answers = [(503, {})]
    await bob.call(pusher())
    await ann.say(room)
    await settled()
    last = await ann.say(room)
    await bob.read(room, last)
    await settled()
    assert last not in gateway.ids()


async def test_failing_gateway_is_asked_again(gateway, ann, bob, room, autojump_clock):
    gateway.answers = [(503, {}), (404, {}), (200, []), (200, {})]
    await bob.call(pusher())
    first = await ann.say(room, "first")
    second = await ann.say(room, "second")
    await trio.sleep(60)
    assert list(dict.fromkeys(gateway.ids())) == [first, second]
    assert gateway.asked == 4


async def test_mistake_in_pushing_ends_nothing(
    gateway, ann, bob, room, monkeypatch, autojump_clock
):
    tell = "chatproto.server.push.pushing.notification"
    with monkeypatch.context() as broken:
        broken.setattr(tell, lambda *_: 1 / 0)
        await bob.call(pusher())
        event_id = await ann.say(room)
        await trio.sleep(1)
    await settled()
    assert gateway.ids() == [event_id]


async def test_old_news_are_left_out(chat, gateway, ann, bob, room, autojump_clock):
    gateway.answers = [(503, {})] * 6
    await bob.call(pusher())
    await ann.say(room, "old")
    await trio.sleep(20)
    chat.clock.ms += 25 * 3_600_000
    fresh = await ann.say(room, "fresh")
    await trio.sleep(3_600)
    assert gateway.ids()[-1] == fresh


async def test_rejected_key_is_forgotten(gateway, ann, bob, room, autojump_clock):
    gateway.answers = [(200, {"rejected": ["key"]})]
    await bob.call(pusher())
    await ann.say(room)
    await settled()
    assert (await bob.call(ListPushers())).pushers == ()
    await ann.say(room)
    await settled()
    assert gateway.asked == 1


async def test_nothing_is_lost_over_a_restart(gateway, autojump_clock):
    store = MemoryStore()
    gateway.answers = [(503, {})] * 100
    async with open_chat(store) as chat:
        ann, bob = await chat.people("ann", "bob")
        room = await chat.room_of(ann, bob)
        await bob.call(pusher())
        event_id = await ann.say(room)
        await settled()
        stored = CopiedStore.image_of(store)
    gateway.answers = []
    async with open_chat(CopiedStore(stored)):
        await settled()
        assert gateway.ids() == [event_id]


@pytest.mark.parametrize("append", [False, True])
async def test_key_is_for_one_user_unless_it_says_otherwise(ann, bob, append):
    await ann.call(pusher())
    await bob.call(pusher(append=append))
    assert len((await ann.call(ListPushers())).pushers) == append
    assert len((await bob.call(ListPushers())).pushers) == 1


async def test_pusher_is_changed_and_taken_away(
    gateway, ann, bob, room, autojump_clock
):
    await bob.call(pusher())
    await bob.call(pusher(brand="other"))
    (known,) = (await bob.call(ListPushers())).pushers
    assert json_of(known)["data"] == {"url": URL, "brand": "other"}
    await bob.call(SetPusher(**KEY, kind=None))
    assert (await bob.call(ListPushers())).pushers == ()
    await ann.say(room)
    await settled()
    assert gateway.told == []


async def test_session_that_ends_takes_its_pushers_along(
    chat, gateway, ann, room, autojump_clock
):
    bob = await chat.person("bob")
    phone = await chat.person("bob")
    await phone.call(pusher())
    await phone.call(Logout())
    assert (await bob.call(ListPushers())).pushers == ()
    await ann.say(room)
    await settled()
    assert gateway.told == []


async def test_burst_ends_with_the_session(chat, gateway, ann, room, autojump_clock):
    phone = await chat.person("bob")
    await phone.call(pusher())
    await settled()
    gateway.seconds = 5
    for number in range(10):
        await ann.say(room, str(number))
    await trio.sleep(7)
    await phone.call(Logout())
    await settled()
    assert gateway.asked <= 2


async def test_burst_ends_when_another_takes_the_key(
    gateway, ann, bob, cat, room, autojump_clock
):
    await bob.call(pusher())
    await settled()
    gateway.seconds = 5
    for number in range(10):
        await ann.say(room, str(number))
    await trio.sleep(7)
    await cat.call(pusher())
    await settled()
    assert gateway.asked <= 2


@pytest.mark.parametrize(
    ("call", "errcode"),
    [
        (pusher(kind="email"), "M_INVALID_PARAM"),
        (pusher(key=""), "M_INVALID_PARAM"),
        (pusher(key="k" * 513), "M_INVALID_PARAM"),
        (pusher(app="a" * 65), "M_INVALID_PARAM"),
        (pusher(url="https://push.example.org/other"), "M_INVALID_PARAM"),
        (pusher(url="file:///_matrix/push/v1/notify"), "M_INVALID_PARAM"),
        (pusher(url="https://[/_matrix/push/v1/notify"), "M_INVALID_PARAM"),
        (pusher(url=None), "M_INVALID_PARAM"),
        (pusher(big="x" * 20_000), "M_INVALID_PARAM"),
        (SetPusher(**KEY, kind="http"), "M_MISSING_PARAM"),
    ],
)
async def test_wrong_pusher_is_refused(bob, call, errcode):
    with refused(errcode):
        await bob.call(call)


async def test_number_of_pushers_is_bound(bob):
    for number in range(50):
        await bob.call(pusher(key=f"key{number}"))
    with refused("M_LIMIT_EXCEEDED"):
        await bob.call(pusher(key="another"))
    await bob.call(pusher(key="key1"))
