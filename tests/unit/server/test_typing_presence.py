from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatproto.operations.profiles import GetPresence, SetPresence
from chatproto.operations.receipts import SetTyping
from chatproto.server.status import OFFLINE_AFTER_S
from chatproto.storage.sqlite import SqliteStore
from chatproto.testing import TrioClock
from tests.unit.server.harness import Person, open_chat, refused


@pytest.fixture
async def chat():
    """Time passes as it is waited for."""
    async with open_chat(clock=TrioClock()) as chat:
        yield chat


async def write(person, room, lasts_ms=10_000, typing=True):
    request = SetTyping(
        room_id=room, user_id=person.id, typing=typing, timeout=lasts_ms
    )
    await person.call(request)


async def writing(person, room, since=None):
    """Who is writing, if sync has news of that."""
    joined = (await person.sync(since)).get("rooms", {}).get("join", {})
    events = joined.get(room, {}).get("ephemeral", {}).get("events", [])
    found = [e["content"]["user_ids"] for e in events if e["type"] == "m.typing"]
    return found[0] if found else None


async def presence(person, other):
    found = await person.call(GetPresence(user_id=other.id))
    return found.presence, found.status_msg


async def be(person, presence="online", **fields):
    await person.call(SetPresence(user_id=person.id, presence=presence, **fields))
    await wait_all_tasks_blocked()


async def heard(person, other, since=None):
    """What sync tells of somebody's presence."""
    events = (await person.sync(since)).get("presence", {"events": []})["events"]
    return [e["content"] for e in events if e["sender"] == other.id]


# typing


async def test_others_see_who_is_writing(ann, bob, room):
    since = await ann.position()
    await write(bob, room)
    assert await writing(ann, room, since) == [bob.id]
    since = await ann.position()
    assert await writing(ann, room, since) is None
    await write(ann, room)
    assert await writing(ann, room, since) == [ann.id, bob.id]
    await write(bob, room, typing=False)
    assert await writing(ann, room, since) == [ann.id]


@pytest.mark.parametrize(
    ("told_ms", "lasts_s"),
    [(10_000, 10), (0, 1), (-1, 1), (10**9, 60)],
    ids=["as told", "none", "negative", "for long"],
)
async def test_writing_ends_by_itself(ann, bob, room, told_ms, lasts_s, autojump_clock):
    since = await ann.position()
    await write(bob, room, told_ms)
    await trio.sleep(lasts_s - 0.1)
    assert await writing(ann, room, since) == [bob.id]
    await trio.sleep(0.2)
    assert await writing(ann, room, since) == []


async def test_writing_goes_on_while_it_is_told(ann, bob, room, autojump_clock):
    since = await ann.position()
    for _ in range(4):
        await write(bob, room)
        await trio.sleep(9)
    assert await writing(ann, room, since) == [bob.id]


async def test_who_leaves_writes_no_more(ann, bob, room):
    await write(bob, room)
    since = await ann.position()
    await bob.leave(room)
    assert await writing(ann, room, since) == []


async def test_writing_in_one_room_is_no_news_of_another(chat, ann, bob, room):
    other = await chat.room_of(ann, bob)
    since = await ann.position()
    await write(bob, room)
    assert await writing(ann, other, since) is None


# presence


async def test_presence_is_what_was_set(ann, bob, room):
    since = await ann.position()
    await be(bob, "unavailable", status_msg="at lunch")
    assert await presence(ann, bob) == ("unavailable", "at lunch")
    [told] = await heard(ann, bob, since)
    assert (told["presence"], told["status_msg"]) == ("unavailable", "at lunch")
    assert told["currently_active"] is False
    await be(bob, "unavailable", status_msg="")
    assert await presence(ann, bob) == ("unavailable", None)


async def test_status_ends_when_it_is_told_to(ann, bob, room, autojump_clock):
    await be(bob, status_msg="in a meeting", expires_in_ms=60_000)
    found = await ann.call(GetPresence(user_id=bob.id))
    assert found.expires_in_ms == 60_000
    since = await ann.position()
    await trio.sleep(61)
    assert (await presence(ann, bob))[1] is None
    assert "status_msg" not in (await heard(ann, bob, since))[-1]


async def test_who_waits_for_news_is_online(ann, bob, room, autojump_clock):
    async with trio.open_nursery() as nursery:
        since = await bob.position()
        nursery.start_soon(lambda: bob.sync(since, timeout=30_000))
        await wait_all_tasks_blocked()
        assert (await presence(ann, bob))[0] == "online"
        nursery.cancel_scope.cancel()
    await trio.sleep(OFFLINE_AFTER_S - 1)
    assert (await presence(ann, bob))[0] == "online"
    await trio.sleep(2)
    assert (await presence(ann, bob))[0] == "offline"


async def test_who_asks_for_news_in_secret_is_not_online(
    ann, bob, room, autojump_clock
):
    since = await bob.position()
    await trio.sleep(OFFLINE_AFTER_S + 1)
    await bob.sync(since, timeout=5_000, set_presence="offline")
    assert (await presence(ann, bob))[0] == "offline"


async def test_who_is_away_may_ask_for_news(ann, bob, room, autojump_clock):
    since = await bob.position()
    await bob.sync(since, set_presence="unavailable")
    await wait_all_tasks_blocked()
    assert (await presence(ann, bob))[0] == "unavailable"
    await bob.sync(since)
    await wait_all_tasks_blocked()
    assert (await presence(ann, bob))[0] == "online"


async def test_best_of_ones_devices_counts(chat, ann, bob, room, autojump_clock):
    phone = await chat.person("bob")
    await bob.sync()
    await phone.sync(set_presence="unavailable")
    await wait_all_tasks_blocked()
    assert (await presence(ann, bob))[0] == "online"
    await bob.sync(set_presence="unavailable")
    await wait_all_tasks_blocked()
    assert (await presence(ann, bob))[0] == "unavailable"


async def test_unknown_presence_is_refused(bob):
    with refused("M_INVALID_PARAM"):
        await bob.sync(set_presence="dancing")


async def test_strangers_hear_nothing(bob, cat, room):
    since = await cat.position()
    await be(bob, status_msg="secret")
    assert await heard(cat, bob, since) == await heard(cat, bob) == []
    with refused("M_FORBIDDEN", status=403):
        await presence(cat, bob)


async def test_newcomer_hears_who_is_there(ann, bob, cat, room):
    await be(bob, status_msg="here")
    since = await cat.position()
    await ann.invite(room, cat)
    await cat.join(room)
    assert [p["status_msg"] for p in await heard(cat, bob, since)] == ["here"]


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        ({"presence": "busy"}, "M_INVALID_PARAM"),
        ({"presence": "online", "status_msg": "ы" * 513}, "M_TOO_LARGE"),
    ],
    ids=["unknown", "long status"],
)
async def test_bad_presence_is_refused(bob, fields, errcode):
    with refused(errcode):
        await bob.call(SetPresence(user_id=bob.id, **fields))


async def test_status_outlives_a_restart(tmp_path):
    path = tmp_path / "chat.db"
    async with open_chat(SqliteStore(path)) as chat:
        ann, bob = await chat.people("ann", "bob")
        await chat.room_of(ann, bob)
        await be(bob, status_msg="on leave")
    async with open_chat(SqliteStore(path), seed=1) as chat:
        again = [Person(chat.engine, person.caller) for person in (ann, bob)]
        assert await presence(*again) == ("offline", "on leave")
