from __future__ import annotations

import textwrap

import pytest
import trio

import chatproto.testing
from chatproto.client.bot import Bot, Message
from chatproto.errors import LocalError
from chatproto.operations.messages import SetState
from chatproto.testing import BOT, bot_chat


async def test_example_of_package_runs(autojump_clock):
    documented = chatproto.testing.__doc__.split("    from chatproto", 1)[1]
    code = textwrap.dedent(
        "    from chatproto" + documented.split("\n`open_engine`")[0]
    )
    names: dict[str, object] = {}
    exec(code, names)
    await names["test_order_is_taken"](autojump_clock)


@pytest.fixture
def bot():
    bot = Bot()

    @bot.command("ping")
    async def ping(message: Message) -> None:
        """Answer pong."""
        await message.reply("pong")

    @bot.command("slow")
    async def slow(message: Message) -> None:
        await trio.sleep(60)
        await message.reply("done")

    @bot.command("twice")
    async def twice(message: Message) -> None:
        first = await message.reply("one")
        await message.reply("two")
        await message.room.edit(first, "ONE")

    @bot.on("m.reaction")
    async def reacted(session, event) -> None:
        room = await session.room(event["room_id"])
        await room.send_text(event["content"]["m.relates_to"]["key"])

    @bot.on("m.room.topic")
    async def topic(session, event) -> None:
        room = await session.room(event["room_id"])
        await room.send_text(f"so it is {event['content']['topic']}")

    return bot


async def test_replies_are_given(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        assert await chat.says("user", "!ping") == ["pong"]
        assert await chat.says("user", "ping") == []
        assert chat.last(BOT).reply_to == chat.rows()[0].event_id


async def test_rows_show_edits(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        assert await chat.says("user", "!twice") == ["ONE", "two"]
        assert [row.edited for row in chat.rows()] == [False, True, False]


async def test_reactions_and_events_reach_bot(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        await chat.says("user", "!ping")
        assert await chat.reacts("user", "👍") == ["👍"]
        request = SetState(
            room_id=chat.room_id, event_type="m.room.topic", content={"topic": "soup"}
        )
        await chat.calls("user", request)
        assert await chat.replies() == ["so it is soup"]


async def test_edit_by_user_is_no_new_message(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        await chat.says("user", "!pong")
        assert await chat.edits("user", "!ping") == []
        assert chat.last("user").content["body"] == "!ping"


async def test_handler_that_takes_too_long_fails_test(bot, autojump_clock):
    with pytest.raises(trio.TooSlowError):
        async with bot_chat(bot) as chat:
            await chat.says("user", "!slow")


async def test_patience_can_be_set(bot, autojump_clock):
    async with bot_chat(bot, patience_s=61) as chat:
        assert await chat.says("user", "!slow") == ["done"]


async def test_bot_can_be_cut_off(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        chat.transport.go_down()
        assert await chat.says("user", "!ping") == []
        chat.transport.is_up = True
        assert await chat.waits(60) == ["pong"]


async def test_nothing_said_is_an_error(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        with pytest.raises(LocalError, match="bot has said nothing"):
            chat.last(BOT)


async def test_same_bot_chats_again(bot, autojump_clock):
    for _ in range(2):
        async with bot_chat(bot, users=("anna", "boris")) as chat:
            assert await chat.says("boris", "!ping") == ["pong"]


async def test_failing_test_is_told_as_it_is(bot, autojump_clock):
    with pytest.raises(ZeroDivisionError):
        async with bot_chat(bot):
            raise ZeroDivisionError
