from __future__ import annotations

import trio
from trio.testing import wait_all_tasks_blocked

from chatproto.operations.messages import RedactEvent
from chatproto.operations.rooms import CreateRoom, InitialState, Invite, JoinRoom, Kick
from chatproto.testing import Faults


def heard(channel):
    """The texts of what has been told so far."""
    texts = []
    try:
        while True:
            event = channel.receive_nowait()
            if event["type"] == "m.room.message":
                texts.append(event["content"].get("body"))
    except trio.WouldBlock:
        return texts


async def say(room, count, start=0):
    texts = [f"text {number}" for number in range(start, start + count)]
    for text in texts:
        await room.send_text(text)
    return texts


async def test_what_was_before_is_no_news(net):
    async with net.connect("boris") as boris, net.room(boris) as (_, room):
        await say(room, 3)
        events = boris.subscribe()
        said = await say(room, 2, start=3)
        await wait_all_tasks_blocked()
        assert heard(events) == said


async def test_events_name_their_room(net):
    async with net.connect("boris") as boris, net.room(boris) as (_, room):
        theirs = await boris.room(room.room_id)
        live = theirs.live()
        await say(room, 1)
        event = await anext(live)
        assert (event["room_id"], event["sender"]) == (
            room.room_id,
            "@anna:example.org",
        )
        await live.aclose()


async def test_room_hears_only_its_own(net):
    async with net.connect("boris") as boris, net.room(boris) as (anna, room):
        other = await anna.room((await anna.call(CreateRoom())).room_id)
        live = (await anna.room(room.room_id)).live()
        await say(other, 2)
        await say(room, 1, start=7)
        assert (await anext(live))["content"]["body"] == "text 7"
        await live.aclose()


async def test_each_event_is_told_once_over_reconnects(net):
    way = net.transport()
    async with net.connect("boris", way) as boris, net.room(boris) as (_, room):
        events = boris.subscribe()
        said = []
        for number in range(10):
            said += await say(room, 2, start=2 * number)
            way.cut()
        await trio.sleep(60)
        assert heard(events) == said


async def test_limited_timeline_is_filled_for_listeners(net):
    way = net.transport()
    async with net.connect("boris", way) as boris, net.room(boris) as (_, room):
        events = boris.subscribe()
        way.go_down()
        said = await say(room, 300)
        way.is_up = True
        await trio.sleep(60)
        said += await say(room, 3, start=300)
        await wait_all_tasks_blocked()
        assert heard(events) == said
        assert boris.state.rooms[room.room_id].timeline.gaps() == ()


async def test_limited_timeline_is_left_alone_without_listeners(net):
    way = net.transport()
    async with net.connect("boris", way) as boris, net.room(boris) as (_, room):
        way.go_down()
        await say(room, 60)
        way.is_up = True
        await trio.sleep(60)
        assert len(boris.state.rooms[room.room_id].timeline.gaps()) == 1


async def test_gap_is_filled_over_reconnects(net):
    way = net.transport()
    async with net.connect("boris", way) as boris, net.room(boris) as (_, room):
        events = boris.subscribe()
        way.go_down()
        said = await say(room, 250)
        way.is_up = True
        pages = []

        def at_second_page(json):
            pages.extend([json] if json.get("do") == "room.history" else [])
            return len(pages) == 2

        way.cut_before = at_second_page
        await trio.sleep(60)
        said += await say(room, 5, start=250)
        await wait_all_tasks_blocked()
        assert heard(events) == said
        assert way.connected == 3


async def test_news_of_a_room_wait_until_its_gap_is_filled(net):
    way = net.transport()
    async with net.connect("boris", way) as boris, net.room(boris) as (_, room):
        events = boris.subscribe()
        way.go_down()
        said = await say(room, 150)
        way.is_up = True
        way.faults = Faults(delay_ms=4000)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 120)
            for number in range(150, 170):
                said += await say(room, 1, start=number)
                await trio.sleep(1)
        assert heard(events) == said


async def test_after_too_much_the_newest_are_told(net):
    way = net.transport()
    async with net.connect("boris", way) as boris, net.room(boris) as (_, room):
        with boris.subscribe() as events:
            way.go_down()
            said = await say(room, 1100)
            way.is_up = True
            texts = []
            with trio.move_on_after(60):
                async for event in events:
                    texts.append(event["content"]["body"])
        assert 1000 <= len(texts) < 1100
        assert texts == said[-len(texts) :]


async def test_snapshot_after_resync_is_no_news(net):
    way = net.transport()
    async with net.connect("boris", way) as boris, net.room(boris) as (_, room):
        await say(room, 5)
        events = boris.subscribe()
        said = await say(room, 2, start=5)
        way.go_down()
        said += await say(room, 40, start=7)
        boris.state.position = "s999999_0_nowhere"
        way.is_up = True
        await trio.sleep(60)
        assert heard(events) == said


async def test_history_of_joined_room_is_no_news(net):
    async with net.connect("boris") as boris, net.connect("anna") as anna:
        shared = InitialState(
            type="m.room.history_visibility", content={"history_visibility": "shared"}
        )
        request = CreateRoom(preset="private_chat", initial_state=(shared,))
        room = await anna.room((await anna.call(request)).room_id)
        await say(room, 3)
        events = boris.subscribe()
        await room.invite(boris.user_id)
        await boris.call(JoinRoom(room_id=room.room_id))
        said = await say(room, 2, start=3)
        await wait_all_tasks_blocked()
        assert heard(events) == said


async def test_what_was_said_while_out_of_the_room_is_no_news(net):
    async with net.connect("boris") as boris, net.room(boris) as (anna, room):
        events = boris.subscribe()
        said = await say(room, 1)
        await anna.call(Kick(room_id=room.room_id, user_id=boris.user_id))
        await say(room, 3, start=1)
        await anna.call(Invite(room_id=room.room_id, user_id=boris.user_id))
        await boris.call(JoinRoom(room_id=room.room_id))
        said += await say(room, 1, start=4)
        await wait_all_tasks_blocked()
        assert heard(events) == said


async def test_room_closed_meanwhile_holds_nobody_up(net):
    way = net.transport()
    async with net.connect("boris", way) as boris, net.room(boris) as (anna, room):
        other = await anna.room(
            (await anna.call(CreateRoom(preset="public_chat"))).room_id
        )
        await boris.call(JoinRoom(room_id=other.room_id))
        events = boris.subscribe()
        way.go_down()
        await say(room, 50)
        await anna.call(Kick(room_id=room.room_id, user_id=boris.user_id))
        way.is_up = True
        await trio.sleep(60)
        heard(events)
        await other.send_text("still here")
        await wait_all_tasks_blocked()
        assert heard(events) == ["still here"]


async def test_redacted_message_of_gap_comes_without_content(net):
    way = net.transport()
    async with net.connect("boris", way) as boris, net.room(boris) as (anna, room):
        events = boris.subscribe()
        way.go_down()
        event_id = await room.send_text("secret")
        await anna.call(
            RedactEvent(room_id=room.room_id, event_id=event_id, txn_id="r")
        )
        way.is_up = True
        await trio.sleep(60)
        assert heard(events) == [None]


async def test_last_listener_gone_ends_the_work(net):
    async with net.connect("boris") as boris, net.room(boris) as (_, room):
        boris.subscribe().close()
        await say(room, 2)
        events = boris.subscribe()
        assert heard(events) == []
        said = await say(room, 1, start=2)
        await wait_all_tasks_blocked()
        assert heard(events) == said
