from __future__ import annotations

import signal

import pytest
import trio

from chatproto.operations.rooms import CreateRoom, Invite, JoinRoom
from tests.unit.client.terminal.desk import sit_down

UP, PAGE_UP, PAGE_DOWN = "\x1b[A", "\x1b[5~", "\x1b[6~"


def said(session, room_id):
    items = session.state.items(room_id)
    return [i.content.get("body") for i in items if i.type == "m.room.message"]


async def say(session, room, text):
    return await (await session.room(room.room_id)).send_text(text)


async def open_room(session, name, *others):
    made = await session.call(CreateRoom(name=name, invite=[o.user_id for o in others]))
    for other in others:
        await other.call(JoinRoom(room_id=made.room_id))
    await trio.sleep(0.1)
    return await session.room(made.room_id)


# writing


async def test_lines_entered_together_are_sent_in_order(net):
    async with net.room() as (anna, room), sit_down(anna, room.room_id) as desk:
        lines = [f"line {n}" for n in range(20)]
        await desk.press("".join(f"{line}\r" for line in lines))
        assert said(anna, room.room_id) == lines


async def test_line_entered_before_tab_stays_in_its_room(net):
    async with net.room() as (anna, first):
        second = await open_room(anna, "Second")
        async with sit_down(anna, first.room_id) as desk:
            await desk.press("hello\r\tthere\r")
        assert said(anna, first.room_id) == ["hello"]
        assert said(anna, second.room_id) == ["there"]


async def test_draft_waits_in_its_room(net):
    async with net.room() as (anna, first):
        await open_room(anna, "Second")
        async with sit_down(anna, first.room_id) as desk:
            await desk.press("half a line\t")
            assert desk.typed == ""
            assert desk.text.count("✎") == 1
            await desk.press("\t")
            assert desk.typed == "half a line"
            assert "✎" not in desk.text


async def test_pasted_lines_are_one_message(net):
    async with net.room() as (anna, room), sit_down(anna, room.room_id) as desk:
        await desk.press("\x1b[200~one\rtwo\x1b[201~")
        assert desk.typed == "one⏎two"
        await desk.press("\r")
        assert said(anna, room.room_id) == ["one\ntwo"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/reply 99 what I wrote", "no such message"),
        ("/nothing", "no command"),
        ("/join #none:example.org", "M_NOT_FOUND"),
        ("/dm @nobody", "M_NOT_FOUND"),
        ("/retry", "nothing was refused"),
        ("/edit new", "no text of yours"),
    ],
    ids=lambda value: value.split()[0],
)
async def test_refused_line_is_given_back(net, line, why):
    async with net.room() as (anna, room), sit_down(anna, room.room_id) as desk:
        await desk.press(f"{line}\r")
        assert desk.typed == line
        assert why in desk.lines[-2]


async def test_refused_message_can_be_dropped(net):
    async with net.room() as (anna, room), sit_down(anna, room.room_id) as desk:
        await desk.press(f"\x1b[200~{'long ' * 20_000}\x1b[201~\r")
        assert "not sent" in desk.text
        await desk.press("/drop\r")
        assert "not sent" not in desk.text
        assert "long" not in desk.text


# changing


async def test_up_changes_the_newest_own_text(net):
    async with net.room() as (anna, room), sit_down(anna, room.room_id) as desk:
        await desk.press("/me wavs\r")
        await desk.press(UP)
        assert desk.typed == "wavs"
        assert "changing" in desk.lines[-2]
        await desk.press("\x15waves\r")
        assert "* anna waves (edited)" in desk.text


async def test_escape_leaves_the_message_as_it_was(net):
    async with net.room() as (anna, room), sit_down(anna, room.room_id) as desk:
        await desk.press("hello\r")
        await desk.press(UP + "more\x1bx")
        assert desk.typed == "x"
        assert said(anna, room.room_id) == ["hello"]
        await desk.press("\x15")
        await desk.press("next\r")
        assert said(anna, room.room_id) == ["hello", "next"]


async def test_up_without_own_text_says_so(net):
    async with net.room() as (anna, room), sit_down(anna, room.room_id) as desk:
        await desk.press(UP)
        assert "no text of yours" in desk.lines[-2]


async def test_message_is_changed_before_it_is_sent(net):
    way = net.transport()
    async with (
        net.connect("boris") as boris,
        net.room(boris) as (_, room),
        net.connect("anna", way) as anna,
        sit_down(anna, room.room_id) as desk,
    ):
        await say(boris, room, "?")
        way.go_down()
        await desk.press("/reply first\r", 2)
        await desk.press(f"{UP}\x15second\r")
        assert "second …" in desk.text
        way.is_up = True
        await desk.press("", 60)
        assert said(boris, room.room_id) == ["?", "second"]
        assert boris.state.items(room.room_id)[-1].reply_to is not None


async def test_message_sent_while_being_changed_is_changed(net):
    way = net.transport()
    async with (
        net.room() as (_, room),
        net.connect("anna", way) as anna,
        sit_down(anna, room.room_id) as desk,
    ):
        way.go_down()
        await desk.press("first\r", 2)
        await desk.press(f"{UP}\x15second")
        way.is_up = True
        await desk.press("", 60)
        assert said(anna, room.room_id) == ["first"]
        await desk.press("\r")
        assert said(anna, room.room_id) == ["second"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("/reply 8 sure", "↪ boris: question"),
        ("/react 8 👍", "👍 1"),
        ("/delete", "(deleted)"),
        ("/edit better", "better (edited) ✓"),
        ("/status at lunch", "@anna:example.org"),
        ("/mute", "@anna:example.org"),
    ],
    ids=lambda value: value.split()[0],
)
async def test_command_is_carried_out(net, line, shown):
    async with net.connect("boris") as boris, net.room(boris) as (anna, room):
        await say(boris, room, "question")
        seq = anna.state.items(room.room_id)[-1].seq
        async with sit_down(anna, room.room_id) as desk:
            await desk.press("answer\r")
            await desk.press(line.replace("8", str(seq)) + "\r")
            assert shown in desk.text
            assert desk.typed == ""
            assert desk.lines[-2] == " @anna:example.org"


# what others see


async def test_others_see_who_is_writing(net):
    async with net.connect("boris") as boris, net.room(boris) as (anna, room):
        typing = boris.state.rooms[room.room_id].typing
        async with sit_down(anna, room.room_id) as desk:
            await desk.press("/me")
            assert typing.user_ids == ()
            await desk.press("\x15hel")
            assert typing.user_ids == (anna.user_id,)
            await desk.press("\x15")
            assert typing.user_ids == ()
            await desk.press("hello")
            assert typing.user_ids == (anna.user_id,)
            await desk.press("\r")
            assert typing.user_ids == ()


async def test_what_is_shown_is_read(net):
    async with net.connect("boris") as boris, net.room(boris) as (anna, room):
        other = await open_room(anna, "Other")
        sent = await say(boris, room, "hello")
        seen_by = boris.state.rooms[room.room_id].read_by
        async with sit_down(anna, other.room_id) as desk:
            assert seen_by(sent) == ()
            await desk.press("\t")
            assert seen_by(sent) == (anna.user_id,)
            await desk.press("/help\r")
            sent = await say(boris, room, "more")
            await desk.press("")
            assert seen_by(sent) == ()
            await desk.press("\x1bx")
            assert seen_by(sent) == (anna.user_id,)


async def test_read_is_told_after_the_connection_was_lost(net):
    way = net.transport()
    async with (
        net.connect("boris") as boris,
        net.room(boris) as (_, room),
        net.connect("anna", way) as anna,
        sit_down(anna, room.room_id) as desk,
    ):
        way.cut_before = lambda json: "re" in json  # its receipt goes, no answer comes
        sent = await say(boris, room, "hello")
        await desk.press("", 60)
        assert boris.state.rooms[room.room_id].read_by(sent) == (anna.user_id,)


# history


async def test_history_is_paged_in_and_stays_where_it_is(net):
    async with net.connect("boris") as boris, net.room(boris) as (_, room):
        for n in range(200):
            await say(boris, room, f"m{n}.")
        async with net.connect("anna") as anna, sit_down(anna, room.room_id) as desk:
            assert "m199." in desk.text
            for _ in range(60):
                await desk.press(PAGE_UP)
            assert "made the room" in desk.text
            await desk.press(PAGE_DOWN * 5)
            before = desk.lines[1:-2]
            await say(boris, room, "news")
            await desk.press("")
            assert [line[29:] for line in desk.lines[1:-2]] == [b[29:] for b in before]
            await desk.press("\x1bx")
            assert "news" in desk.text


async def test_gap_after_a_long_time_offline_is_filled(net):
    way = net.transport()
    async with (
        net.connect("boris") as boris,
        net.room(boris) as (_, room),
        net.connect("anna", way) as anna,
        sit_down(anna, room.room_id, rows=60) as desk,
    ):
        await desk.press("before\r")
        way.go_down()
        for n in range(50):
            await say(boris, room, f"m{n}.")
        way.is_up = True
        await desk.press("", 60)
        assert said(anna, room.room_id)[-50:] == [f"m{n}." for n in range(50)]
        assert "earlier messages" not in desk.text


# rooms


async def test_invitation_is_accepted_or_declined(net):
    async with net.connect("boris") as boris, net.connect("anna") as anna:
        for name in ("Lunch", "Dinner"):
            made = await boris.call(CreateRoom(name=name))
            await boris.call(Invite(room_id=made.room_id, user_id=anna.user_id))
        async with sit_down(anna) as desk:
            assert "asks you in" in desk.text
            await desk.press("/join\r")
            assert "is in the room" in desk.text
            await desk.press("\t/leave\r")
            memberships = sorted(r.membership for r in anna.state.rooms.values())
            assert memberships == ["join", "leave"]
            assert "invited" not in "\n".join(line[:28] for line in desk.lines)
            assert desk.lines[0].strip() in ("Lunch", "Dinner")


async def test_new_room_is_shown(net):
    async with net.connect("anna") as anna, sit_down(anna) as desk:
        assert "No chat is open" in desk.text
        await desk.press("/help\r")
        assert "/create NAME" in desk.text
        await desk.press("hello\r")
        assert "no chat is open" in desk.lines[-2]
        await desk.press("\x15/create Lunch\r")
        assert desk.lines[0].strip() == "Lunch"


async def test_chat_with_a_person_shows_what_they_are_at(net):
    async with (
        net.connect("boris") as boris,
        net.connect("anna") as anna,
        sit_down(anna) as desk,
        sit_down(boris) as other,
    ):
        await desk.press("/dm boris\r")
        assert other.lines[0].strip() == "anna"
        await other.press("/join\r")
        await other.press("/status at lunch\r")
        await desk.press("", 5)
        assert desk.lines[0].strip().endswith("online: at lunch")


# leaving


@pytest.mark.parametrize("how", ["/quit\r", "\x03", "\x04"], ids=ascii)
async def test_leaving_warns_of_what_is_not_sent(net, how):
    way = net.transport()
    async with (
        net.room() as (_, room),
        net.connect("anna", way) as anna,
        sit_down(anna, room.room_id) as desk,
    ):
        way.go_down()
        await desk.press("late\r", 2)
        assert "offline" in desk.lines[-2]
        assert "1 waiting" in desk.lines[-2]
        await desk.press(how)
        assert "not sent yet: 1" in desk.lines[-2]
        assert not desk.has_left
        await desk.press(how)
        assert desk.has_left


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_signal_ends_it(net, number):
    async with net.room() as (anna, room), sit_down(anna, room.room_id) as desk:
        signal.raise_signal(number)
        await desk.press("")
        assert desk.has_left


async def test_old_events_are_let_go(net):
    async with net.connect("boris") as boris, net.room(boris) as (anna, room):
        async with sit_down(anna, room.room_id) as desk:
            for n in range(1_100):
                await say(boris, room, f"m{n}")
            await desk.press("", 120)
        assert len(anna.state.rooms[room.room_id].timeline) == 1_000
