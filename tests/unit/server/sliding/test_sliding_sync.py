from __future__ import annotations

from functools import partial

import pytest
import trio
from attrs import evolve

from chatproto.operations.accounts import Logout
from chatproto.operations.codec import structure
from chatproto.operations.profiles import SetDisplayName
from chatproto.operations.rooms import Ban, ForgetRoom, Kick
from chatproto.operations.sliding_sync import SlidingSync
from chatproto.server.sliding.timelines import Reader
from chatproto.server.sliding.windows import read_asked
from tests.unit.server.harness import refused
from tests.unit.server.sliding.client import Client, bodies, windows


async def test_first_answer_tells_rooms(ann, bob, room):
    await ann.say(room, "hello")
    answer = await Client(bob).sync(**windows([0, 9], state=[["m.room.create", ""]]))
    assert answer["lists"] == {"all": {"count": 1}}
    found = answer["rooms"][room]
    assert found["initial"] is True
    assert found["membership"] == "join"
    assert found["joined_count"] == 2
    assert found["notification_count"] == 1
    assert bodies(found["timeline"]) == ["hello"]
    assert [e["type"] for e in found["required_state"]] == ["m.room.create"]
    assert found["num_live"] == 0
    assert found["heroes"][0]["user_id"] == ann.id


async def test_next_answer_tells_what_is_new(ann, bob, room):
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    await ann.say(room, "news")
    found = (await client.sync())["rooms"][room]
    assert bodies(found["timeline"]) == ["news"]
    assert found["num_live"] == 1
    assert found["limited"] is False
    assert set(found) == {
        *("timeline", "limited", "prev_batch", "num_live", "bump_stamp"),
        *("notification_count", "lists"),
    }
    assert (await client.sync())["rooms"] == {}


async def test_lost_answer_loses_nothing(ann, bob, room):
    client = Client(bob)
    start = (await client.sync(**windows([0, 9])))["pos"]
    await ann.say(room, "one")
    lost = await client.sync()
    await ann.say(room, "two")
    again = await client.sync(start)
    assert bodies(lost["rooms"][room]["timeline"]) == ["one"]
    assert bodies(again["rooms"][room]["timeline"]) == ["one", "two"]
    assert (await client.sync())["rooms"] == {}
    with refused("M_UNKNOWN_POS", 400):
        await client.sync(start)


@pytest.mark.parametrize("pos", ["", "s0_0_0_0", "s1", "nonsense", "7"])
async def test_unknown_pos_is_refused(ann, pos):
    client = Client(ann)
    with refused("M_UNKNOWN_POS", 400):
        await client.sync(pos or "x", **windows([0, 9]))
    await client.sync(**windows([0, 9]))
    with refused("M_UNKNOWN_POS", 400):
        await client.sync(pos or "x", **windows([0, 9]))


# rooms that come and go


async def test_invitation_has_stripped_state(ann, bob):
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    room = await ann.create(name="Fish", invite=[bob.id])
    found = (await client.sync())["rooms"][room]
    assert found["membership"] == "invite"
    assert found["initial"] is True
    assert "timeline" not in found
    assert {"m.room.name", "m.room.member"} <= {
        e["type"] for e in found["invite_state"]
    }
    await ann.say(room, "not for Bob's eyes")
    assert (await client.sync())["rooms"] == {}


async def test_joined_room_is_told_anew(ann, bob):
    client = Client(bob)
    room = await ann.create(name="Fish", invite=[bob.id])
    await client.sync(**windows([0, 9]))
    await bob.join(room)
    found = (await client.sync())["rooms"][room]
    assert found["initial"] is True
    assert found["membership"] == "join"
    assert found["name"] == "Fish"
    assert "invite_state" not in found


async def test_left_room_is_told_once(ann, bob, room):
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    await ann.say(room, "good-bye")
    await bob.leave(room)
    await ann.say(room, "he is gone")
    answer = await client.sync()
    found = answer["rooms"][room]
    assert answer["lists"]["all"]["count"] == 0
    assert found["membership"] == "leave"
    assert bodies(found["timeline"]) == ["good-bye"]
    own = found["required_state"][-1]
    assert own["state_key"] == bob.id
    assert own["content"]["membership"] == "leave"
    assert (await client.sync())["rooms"] == {}


@pytest.mark.parametrize("act", [Kick, Ban], ids=["kick", "ban"])
async def test_one_put_out_hears_of_it(ann, bob, room, act):
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    await ann.call(act(room_id=room, user_id=bob.id))
    found = (await client.sync())["rooms"][room]
    assert found["membership"] == ("leave" if act is Kick else "ban")


async def test_withdrawn_invitation_is_told(ann, bob):
    room = await ann.create(invite=[bob.id])
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    await ann.call(Kick(room_id=room, user_id=bob.id))
    found = (await client.sync())["rooms"][room]
    assert found["membership"] == "leave"
    assert [e["state_key"] for e in found["required_state"]] == [bob.id]
    assert "timeline" not in found


async def test_room_come_back_to_is_initial(ann, bob, room):
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    await bob.leave(room)
    await client.sync()
    await ann.invite(room, bob)
    await bob.join(room)
    found = (await client.sync())["rooms"][room]
    assert found["initial"] is True


async def test_strangers_room_is_not_told(cat, room):
    body = {"room_subscriptions": {room: {"timeline_limit": 10}}}
    assert (await Client(cat).sync(**body))["rooms"] == {}


# windows


async def test_windows_go_down_the_list(chat, ann, bob):
    rooms = [await chat.room_of(ann, bob) for _ in range(6)]
    for room in rooms:
        await ann.say(room)
    newest = list(reversed(rooms))
    client = Client(bob)
    answer = await client.sync(**windows([0, 1]))
    assert set(answer["rooms"]) == set(newest[:2])
    assert answer["lists"]["all"]["count"] == 6
    answer = await client.sync(**windows([0, 1], [4, 5]))
    assert set(answer["rooms"]) == set(newest[4:])
    answer = await client.sync(**windows())
    assert set(answer["rooms"]) == set(newest[2:4])


async def test_room_out_of_sight_keeps_its_news(chat, ann, bob, room):
    other = await chat.room_of(ann, bob)
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    await ann.say(other)
    await ann.say(room, "one")
    await ann.say(other)
    assert set((await client.sync(**windows([0, 0])))["rooms"]) == {other}
    found = (await client.sync(**windows([0, 9])))["rooms"][room]
    assert bodies(found["timeline"]) == ["one"]
    assert "initial" not in found


async def test_own_message_does_not_bump(ann, bob, room):
    client = Client(bob)
    first = (await client.sync(**windows([0, 9])))["rooms"][room]["bump_stamp"]
    await bob.say(room)
    assert "bump_stamp" not in (await client.sync())["rooms"][room]
    await ann.say(room)
    assert (await client.sync())["rooms"][room]["bump_stamp"] > first


async def test_subscribed_room_is_told_beside_windows(chat, ann, bob, room):
    await chat.room_of(ann, bob)
    subscription = {room: {"timeline_limit": 5, "required_state": [["*", "*"]]}}
    body = {**windows([0, 0]), "room_subscriptions": subscription}
    answer = await Client(bob).sync(**body)
    assert len(answer["rooms"]) == 2
    found = answer["rooms"][room]
    assert len(found["timeline"]) == 5
    assert "lists" not in found
    assert "m.room.power_levels" in {e["type"] for e in found["required_state"]}


# timelines


async def test_gap_is_said(ann, bob, room):
    client = Client(bob)
    await client.sync(**windows([0, 9], limit=2))
    for number in range(5):
        await ann.say(room, str(number))
    found = (await client.sync())["rooms"][room]
    assert bodies(found["timeline"]) == ["3", "4"]
    assert found["limited"] is True
    page = await bob.history(room, from_=found["prev_batch"], limit=2)
    assert bodies(page.chunk) == ["2", "1"]


async def test_pos_is_a_point_in_history(ann, bob, room):
    await ann.say(room, "before")
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    await ann.say(room, "after")
    page = await bob.history(room, from_=client.pos, dir="b", limit=1)
    assert bodies(page.chunk) == ["before"]
    for suffix in ("_", "_x", "_1"):
        with refused("M_INVALID_PARAM"):
            await bob.history(room, from_=client.pos + suffix)


async def test_larger_timeline_is_sent_at_once(ann, bob, room):
    for number in range(5):
        await ann.say(room, str(number))
    client = Client(bob)
    found = (await client.sync(**windows([0, 9], limit=1)))["rooms"][room]
    assert bodies(found["timeline"]) == ["4"]
    found = (await client.sync(**windows([0, 9], limit=3)))["rooms"][room]
    assert bodies(found["timeline"]) == ["2", "3", "4"]
    assert found["unstable_expanded_timeline"] is True
    assert found["num_live"] == 0
    for limit in (1, 3, 2):
        assert (await client.sync(**windows([0, 9], limit=limit)))["rooms"] == {}
    await ann.say(room, "5")
    found = (await client.sync(**windows([0, 9], limit=3)))["rooms"][room]
    assert bodies(found["timeline"]) == ["5"]


async def test_larger_timeline_after_a_gap_is_sent(ann, bob, room):
    client = Client(bob)
    await client.sync(**windows([0, 9], limit=1))
    for number in range(5):
        await ann.say(room, str(number))
    await client.sync(**windows([0, 9], limit=1))
    found = (await client.sync(**windows([0, 9], limit=3)))["rooms"][room]
    assert bodies(found["timeline"]) == ["2", "3", "4"]


# state


async def test_state_that_is_wanted_later_is_sent(ann, bob, room):
    client = Client(bob)
    await client.sync(**windows([0, 9], state=[["m.room.create", ""]]))
    state = [["m.room.create", ""], ["m.room.join_rules", ""]]
    found = (await client.sync(**windows([0, 9], state=state)))["rooms"][room]
    assert [e["type"] for e in found["required_state"]] == ["m.room.join_rules"]
    assert (await client.sync())["rooms"] == {}


async def test_state_of_a_gap_is_sent(ann, bob, room):
    client = Client(bob)
    await client.sync(**windows([0, 9], limit=1, state=[["m.room.topic", "*"]]))
    await ann.set_state(room, "m.room.topic", {"topic": "one"})
    await ann.set_state(room, "m.room.topic", {"topic": "two"})
    await ann.say(room)
    found = (await client.sync())["rooms"][room]
    assert [e["content"]["topic"] for e in found["required_state"]] == ["two"]


async def test_members_come_as_they_speak(chat, ann, bob, cat):
    room = await chat.room_of(ann, bob, cat)
    client = Client(bob)
    state = [["*", "*"], ["m.room.member", "$LAZY"], ["m.room.member", "$ME"]]
    found = (await client.sync(**windows([0, 9], limit=0, state=state)))["rooms"][room]
    members = {
        e["state_key"] for e in found["required_state"] if e["type"] == "m.room.member"
    }
    assert members == {bob.id}
    await cat.say(room)
    found = (await client.sync(**windows([0, 9], limit=1, state=state)))["rooms"][room]
    assert [e["state_key"] for e in found["required_state"]] == [cat.id]
    await cat.say(room)
    assert "required_state" not in (await client.sync())["rooms"][room]
    await cat.call(SetDisplayName(user_id=cat.id, displayname="Kate"))
    found = (await client.sync())["rooms"][room]
    assert found["required_state"][0]["content"]["displayname"] == "Kate"
    for _ in range(2):
        await cat.say(room)
    found = (await client.sync())["rooms"][room]
    assert found["limited"] is True
    assert [e["state_key"] for e in found["required_state"]] == [cat.id]


async def test_removed_name_is_null(ann, bob):
    room = await ann.create(name="Fish", invite=[bob.id])
    await bob.join(room)
    client = Client(bob)
    assert (await client.sync(**windows([0, 9])))["rooms"][room]["name"] == "Fish"
    await ann.set_state(room, "m.room.name", {"name": ""})
    found = (await client.sync())["rooms"][room]
    assert found["name"] is None
    assert [hero["user_id"] for hero in found["heroes"]] == [ann.id]
    await ann.set_state(room, "m.room.name", {"name": "Chips"})
    found = (await client.sync())["rooms"][room]
    assert found["name"] == "Chips"
    assert "heroes" not in found


async def test_direct_chat_is_marked(ann, bob, room):
    client = Client(bob)
    assert "is_dm" not in (await client.sync(**windows([0, 9])))["rooms"][room]
    await bob.set_data("m.direct", {ann.id: [room]})
    assert (await client.sync())["rooms"][room]["is_dm"] is True


# asking


@pytest.mark.parametrize(
    "body",
    [
        windows([1, 0]),
        windows([-1, 0]),
        windows([0]),
        windows(*[[0, 1]] * 101),
        windows([0, 1], limit=-1),
        windows([0, 1], state=[["m.room.name"]]),
        windows([0, 1], state=[["m.x", str(n)] for n in range(251)]),
        {"lists": {str(n): {} for n in range(101)}},
        {"room_subscriptions": {f"!{n}:example.org": {} for n in range(1001)}},
        {"lists": {"a": {"filters": {"not_tags": ["x"] * 101}}}},
        {"lists": {"a": {"filters": {"room_types": [None] * 101}}}},
        {"conn_id": "x" * 256},
        {"set_presence": "asleep"},
    ],
    ids=range(13),
)
async def test_nonsense_is_refused(bob, body):
    with refused("M_INVALID_PARAM", 400):
        await Client(bob).sync(**body)


async def test_connections_are_apart(ann, bob, room):
    one, two = Client(bob), Client(bob)
    await one.sync(**windows([0, 9]), conn_id="one")
    await two.sync(**windows([0, 9]), conn_id="two")
    await ann.say(room)
    assert set((await one.sync())["rooms"]) == {room}
    assert set((await two.sync())["rooms"]) == {room}


async def test_transaction_is_not_named_in_the_answer(bob):
    assert "txn_id" not in await Client(bob).sync(txn_id="t1")


# waiting


async def test_news_end_the_wait(ann, bob, room, autojump_clock):
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(client.sync, wait_ms=30_000))
        await trio.testing.wait_all_tasks_blocked()
        before = client.pos
        await ann.say(room)
    assert client.pos != before
    assert trio.current_time() < 30


async def test_quiet_ends_the_wait_in_time(bob, room, autojump_clock):
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    began = trio.current_time()
    answer = await client.sync(wait_ms=5_000)
    assert answer["rooms"] == {}
    assert trio.current_time() - began == pytest.approx(5)


async def test_wait_ends_with_the_session(bob, room, autojump_clock):
    client = Client(bob)
    await client.sync(**windows([0, 9]))

    async def wait():
        with refused("M_UNKNOWN_TOKEN", 401):
            await client.sync(wait_ms=30_000)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        await bob.call(Logout())
    assert trio.current_time() < 30


async def test_wait_ends_with_the_server(bob, room, autojump_clock):
    client = Client(bob)
    before = (await client.sync(**windows([0, 9])))["pos"]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(client.sync, wait_ms=30_000))
        await trio.testing.wait_all_tasks_blocked()
        bob.engine.answer_waiting()
    assert client.pos != before
    assert trio.current_time() < 30


async def test_elder_of_two_requests_gets_nothing(ann, bob, room, autojump_clock):
    elder, younger = Client(bob), Client(bob)
    elder.pos = younger.pos = (await elder.sync(**windows([0, 9])))["pos"]
    answers = []

    async def wait():
        answers.append(await elder.sync(wait_ms=30_000))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        await younger.sync(**windows([0, 9]))
    assert trio.current_time() == began
    await ann.say(room)
    assert answers[0]["rooms"] == {}
    assert set((await younger.sync())["rooms"]) == {room}


async def test_left_room_is_not_forgotten_by_a_lost_answer(ann, bob, room):
    client = Client(bob)
    start = (await client.sync(**windows([0, 9])))["pos"]
    await bob.leave(room)
    assert set((await client.sync())["rooms"]) == {room}
    assert set((await client.sync(start))["rooms"]) == {room}


async def test_what_comes_meanwhile_is_told_with_the_next(ann, bob, room):
    engine = bob.engine
    asked = structure(SlidingSync, windows([0, 9]))
    await bob.call(asked)
    connection = engine.sliding.connections.find((bob.id, bob.caller.device_id), "")
    until = engine.position()
    await ann.say(room, "meanwhile")
    reader = Reader(
        user_id=bob.id,
        device_id=bob.caller.device_id,
        since=connection.sent.at,
        until=until,
        now_ms=0,
    )
    looked = read_asked(asked, bob.id)
    answer = await engine.sliding.make(
        reader, looked, asked.extensions, connection.sent
    )
    assert answer.body["rooms"] == {}
    assert not answer.has_news
    later = evolve(reader, since=until, until=engine.position())
    answer = await engine.sliding.make(later, looked, asked.extensions, answer.step)
    found = answer.body["rooms"][room]
    assert bodies(found["timeline"]) == ["meanwhile"]
    assert "bump_stamp" in found


# rooms that one is no longer in, to who starts anew


async def test_one_put_out_hears_of_it_when_starting_anew(chat, ann, bob):
    rooms = [await chat.room_of(ann, bob, name=name) for name in ("kick", "ban")]
    never_in = await ann.create(invite=[bob.id])
    await ann.say(rooms[0], "good-bye")
    await ann.call(Kick(room_id=rooms[0], user_id=bob.id))
    await ann.call(Ban(room_id=rooms[1], user_id=bob.id))
    await ann.call(Kick(room_id=never_in, user_id=bob.id))
    await ann.say(rooms[0], "he is gone")
    answer = await Client(bob).sync(**windows([0, 9]))
    assert set(answer["rooms"]) == set(rooms)
    assert answer["lists"]["all"]["count"] == 0
    kicked, banned = (answer["rooms"][room] for room in rooms)
    assert (kicked["membership"], banned["membership"]) == ("leave", "ban")
    assert kicked["name"] == "kick"
    assert bodies(kicked["timeline"]) == ["good-bye"]
    assert [e["state_key"] for e in kicked["required_state"]] == [bob.id]


async def test_forgotten_room_is_not_told(chat, ann, bob, room):
    await ann.call(Kick(room_id=room, user_id=bob.id))
    await bob.call(ForgetRoom(room_id=room))
    assert (await Client(bob).sync(**windows([0, 9])))["rooms"] == {}


async def test_room_left_while_the_connection_was_lost_is_told(chat, ann, bob, room):
    before = await chat.room_of(ann, bob)
    await bob.leave(before)
    client, other = Client(bob), Client(bob)
    await client.sync(**windows([0, 9]))
    await bob.leave(room)
    client.pos = client.pos.rpartition("_")[0] + "_99"
    with refused("M_UNKNOWN_POS"):
        await client.sync()
    client.pos = None
    for _ in range(2):  # as long as the answer may have been lost
        answer = await client.sync()
        assert set(answer["rooms"]) == {room}
        assert answer["rooms"][room]["membership"] == "leave"
        client.pos, pos = None, client.pos
    client.pos = pos
    assert (await client.sync())["rooms"] == {}
    client.pos = None
    assert (await client.sync())["rooms"] == {}
    assert (await other.sync(**windows([0, 9]), conn_id="other"))["rooms"] == {}
