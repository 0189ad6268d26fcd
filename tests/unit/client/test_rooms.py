from __future__ import annotations

import pytest
from trio.testing import wait_all_tasks_blocked

from chatproto.errors import MatrixError
from chatproto.operations.rooms import CreateRoom


def last(session, room):
    return session.state.items(room.room_id)[-1]


async def test_reply_and_thread_name_their_target(net):
    async with net.room() as (anna, room):
        first = await room.send_text("question")
        await room.send_text("answer", reply_to=first)
        await wait_all_tasks_blocked()
        assert last(anna, room).reply_to == first
        await room.send_text("aside", thread=first)
        await wait_all_tasks_blocked()
        assert last(anna, room).thread_root == first


async def test_edit_and_reaction_show(net):
    async with net.room() as (anna, room):
        first = await room.send_text("helo")
        await room.edit(first, "hello")
        await room.react(first, "👍")
        await wait_all_tasks_blocked()
        item = last(anna, room)
        assert (item.content["body"], item.edited) == ("hello", True)
        assert [r.key for r in item.reactions] == ["👍"]


async def test_notice_stays_notice_when_edited(net):
    async with net.room() as (anna, room):
        first = await room.send_text("helo", msgtype="m.notice")
        await room.edit(first, "hello", msgtype="m.notice")
        await wait_all_tasks_blocked()
        assert last(anna, room).content["msgtype"] == "m.notice"


async def test_redacted_message_loses_content(net):
    async with net.room() as (anna, room):
        first = await room.send_text("secret")
        assert await room.redact(first, "a mistake")
        await wait_all_tasks_blocked()
        assert last(anna, room).redacted


async def test_forward_names_origin(net):
    async with net.room() as (anna, room):
        other = await anna.room((await anna.call(CreateRoom())).room_id)
        first = await room.send_text("news")
        await room.forward(first, other.room_id, txn="f1")
        await wait_all_tasks_blocked()
        item = last(anna, other)
        assert item.content["body"] == "news"
        assert item.forwarded["sender"] == anna.user_id


async def test_reading_and_typing_are_seen_by_others(net):
    async with net.connect("boris") as boris, net.room(boris) as (_, room):
        first = await room.send_text("hello")
        theirs = await boris.room(room.room_id)
        await wait_all_tasks_blocked()
        assert theirs.state.notification_count == 1
        await theirs.read(first)
        await theirs.typing()
        await wait_all_tasks_blocked()
        assert theirs.state.notification_count == 0
        assert room.state.read_by(first) == (boris.user_id,)
        assert room.state.typing.user_ids == (boris.user_id,)
        await theirs.typing(on=False)
        await wait_all_tasks_blocked()
        assert room.state.typing.user_ids == ()


async def test_history_is_paged(net):
    async with net.room() as (_, room):
        for number in range(5):
            await room.send_text(str(number))
        newest = await room.history(limit=2)
        older = await room.history(limit=2, before=newest.end)
        texts = [event["content"]["body"] for event in (*newest.chunk, *older.chunk)]
        assert texts == ["4", "3", "2", "1"]


async def test_history_is_loaded_into_state(net):
    async with net.room() as (anna, room):
        for number in range(70):
            await room.send_text(str(number))
        async with net.connect("anna") as again:
            theirs = await again.room(room.room_id)
            assert len(theirs.state.timeline) == 20
            assert await theirs.load_history(limit=30)
            assert len(theirs.state.timeline) == 50
            while await theirs.load_history():
                pass
            assert theirs.state.timeline.before() is None
            assert theirs.state.picture() == anna.state.rooms[room.room_id].picture()


async def test_history_of_unknown_room_is_none(net):
    async with net.connect("anna") as anna:
        assert not await (await anna.room("!none:example.org")).load_history()


async def test_members_come_and_go(net):
    async with net.connect("boris") as boris, net.room(boris) as (anna, room):
        members = await room.members()
        assert set(members.joined) == {anna.user_id, boris.user_id}
        await (await boris.room(room.room_id)).leave()
        assert set((await room.members()).joined) == {anna.user_id}
        await room.invite(boris.user_id)
        await wait_all_tasks_blocked()
        assert boris.state.rooms[room.room_id].membership == "invite"


async def test_room_is_found_by_alias(net):
    async with net.connect("anna") as anna:
        request = CreateRoom(preset="public_chat", room_alias_name="general")
        made = await anna.call(request)
        assert (await anna.room("#general:example.org")).room_id == made.room_id
        with pytest.raises(MatrixError, match="M_NOT_FOUND"):
            await anna.room("#nothing:example.org")
