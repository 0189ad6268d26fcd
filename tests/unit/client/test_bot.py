from __future__ import annotations

import os
import signal
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatproto.client.bot import LINGER_S, Bot, Message, Router
from chatproto.errors import MatrixError
from chatproto.operations.rooms import CreateRoom
from chatproto.testing import BOT, bot_chat


@pytest.fixture
def bot():
    bot = Bot()

    @bot.command("ping")
    async def ping(message: Message) -> None:
        """Answer pong."""
        await message.reply("pong")

    return bot


# what reaches a handler


@pytest.mark.parametrize("text", ["!ping", "/ping", "!ping  "])
async def test_command_is_answered_as_reply(bot, autojump_clock, text):
    async with bot_chat(bot) as chat:
        assert await chat.says("user", text) == ["pong"]
        assert chat.last(BOT).reply_to == chat.last("user").event_id
        assert chat.last(BOT).content["msgtype"] == "m.notice"


@pytest.mark.parametrize("text", ["ping", "!pong", "!", "/", "", "say !ping", "! ping"])
async def test_other_text_is_no_command(bot, autojump_clock, text):
    async with bot_chat(bot) as chat:
        assert await chat.says("user", text) == []


async def test_help_is_there_without_asking(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        assert await chat.says("user", "!help") == ["!ping - Answer pong."]


async def test_own_help_goes_first(bot, autojump_clock):
    @bot.command("help")
    async def own(message: Message) -> None:
        await message.reply("ask Anna")

    async with bot_chat(bot) as chat:
        assert await chat.says("user", "!help") == ["ask Anna"]


async def test_wrong_arguments_are_explained(bot, autojump_clock):
    @bot.command("add")
    async def add(message: Message, one: int, two: int) -> None:
        await message.reply(str(one + two))

    async with bot_chat(bot) as chat:
        assert await chat.says("user", "!add 1 2") == ["3"]
        assert await chat.says("user", "!add 1") == ["it takes !add one two"]
        assert await chat.says("user", "!add 1 x") == ["two is not a int: 'x'"]


async def test_message_handlers_see_what_passes(bot, autojump_clock):
    @bot.message(lambda message: "soup" in message.text)
    async def soup(message: Message) -> None:
        await message.react("🍲")

    @bot.message()
    async def any_message(message: Message) -> None:
        await message.reply(f"heard {message.text}")

    async with bot_chat(bot) as chat:
        assert await chat.says("user", "soup?") == ["heard soup?"]
        assert [r.key for r in chat.last("user").reactions] == ["🍲"]
        assert await chat.says("user", "!ping") == ["pong"]


async def test_command_filter_lets_some_through(bot, autojump_clock):
    @bot.command("stop", lambda message: message.sender.startswith("@anna"))
    async def stop(message: Message) -> None:
        await message.reply("stopped")

    async with bot_chat(bot, users=("anna", "boris")) as chat:
        assert await chat.says("boris", "!stop") == []
        assert await chat.says("anna", "!stop") == ["stopped"]


async def test_event_filter_lets_some_through(bot, autojump_clock):
    seen = []

    @bot.on("org.example.thing", lambda event: event["content"]["size"] > 1)
    async def thing(session, event) -> None:
        seen.append(event["content"]["size"])

    async with bot_chat(bot) as chat:
        for size in (1, 2, 3):
            await chat.sends("user", "org.example.thing", {"size": size})
    assert seen == [2, 3]


async def test_bot_does_not_hear_itself(bot, autojump_clock):
    heard = []

    @bot.message()
    @bot.command("again")
    async def loud(message: Message) -> None:
        heard.append(message.text)
        await message.room.send_text("!again")  # as a person would say it

    @bot.on("m.room.message")
    async def seen(session, event) -> None:
        heard.append(event["sender"])

    async with bot_chat(bot) as chat:
        assert await chat.says("user", "hello") == ["!again"]
        assert await chat.waits(60) == []
    assert sorted(heard) == ["@user:example.org", "hello"]


async def test_bots_do_not_answer_each_other(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        content = {"msgtype": "m.notice", "body": "!ping"}
        assert await chat.sends("user", "m.room.message", content) == []


async def test_deleted_message_is_nothing_to_answer(bot, autojump_clock):
    @bot.message()
    async def any_message(message: Message) -> None:
        await message.reply("heard")

    async with bot_chat(bot) as chat:
        chat.transport.go_down()
        room = await chat.sessions["user"].room(chat.room_id)
        await room.redact(await room.send_text("oops"))
        chat.transport.is_up = True
        assert await chat.waits(60) == []


async def test_included_router_works(bot, autojump_clock):
    router = Router()

    @router.command("echo")
    async def echo(message: Message, text: str) -> None:
        await message.reply(text)

    bot.include(router)
    async with bot_chat(bot) as chat:
        assert await chat.says("user", "!echo two  words") == ["two  words"]


# invitations


async def test_bot_joins_where_it_is_invited(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        invite = CreateRoom(invite=("@bot:example.org",))
        chat.room_id = (await chat.calls("user", invite)).room_id
        assert await chat.says("user", "!ping") == ["pong"]


async def test_invitation_while_offline_is_accepted_later(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        chat.transport.go_down()
        invite = CreateRoom(invite=("@bot:example.org",))
        chat.room_id = (await chat.calls("user", invite)).room_id
        chat.transport.is_up = True
        await chat.waits(60)
        assert await chat.says("user", "!ping") == ["pong"]


async def test_join_cut_off_is_tried_again(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        chat.transport.cut_before = lambda json: "join" in json.get("do", "")
        invite = CreateRoom(invite=("@bot:example.org",))
        chat.room_id = (await chat.calls("user", invite)).room_id
        await chat.waits(60)
        assert await chat.says("user", "!ping") == ["pong"]


async def test_shy_bot_joins_nothing(autojump_clock):
    async with bot_chat(Bot(autojoin=False)) as chat:
        (state,) = chat.sessions["user"].state.rooms.values()
        assert state.state.membership("@bot:example.org") == "invite"


# mistakes


async def test_failing_handler_is_logged_and_stops_nothing(bot, autojump_clock, caplog):
    @bot.command("fail")
    async def fail(message: Message) -> None:
        raise ZeroDivisionError

    @bot.on("m.reaction")
    async def fail_too(session, event) -> None:
        raise LookupError

    async with bot_chat(bot) as chat:
        assert await chat.says("user", "!fail") == ["Sorry, that did not work."]
        assert await chat.reacts("user", "👍") == []
        assert await chat.says("user", "!ping") == ["pong"]
    kinds = [record.exc_info[0] for record in caplog.records]
    assert kinds == [ZeroDivisionError, LookupError]


async def test_handler_that_cannot_even_say_so_stops_nothing(
    bot, autojump_clock, caplog
):
    @bot.command("leave")
    async def leave(message: Message) -> None:
        await message.room.leave()
        await message.reply("I have left")

    async with bot_chat(bot) as chat:
        assert await chat.says("user", "!leave") == []
        invite = CreateRoom(invite=("@bot:example.org",))
        chat.room_id = (await chat.calls("user", invite)).room_id
        assert await chat.says("user", "!ping") == ["pong"]
    assert [r.message for r in caplog.records] == [
        "a handler failed",
        "could not even say so",
    ]


async def test_slow_handler_holds_nobody_up(bot, autojump_clock):
    @bot.command("slow")
    async def slow(message: Message) -> None:
        await trio.sleep(3)
        await message.reply("done")

    async with bot_chat(bot, users=("anna", "boris")) as chat:
        room = await chat.sessions["anna"].room(chat.room_id)
        await room.send_text("!slow")
        assert await chat.says("boris", "!ping") == ["pong", "done"]


# dialogues


@pytest.fixture
def waiter(bot):
    """A bot that takes orders."""

    @bot.command("order")
    async def order(message: Message) -> None:
        dish = await message.ask("What?", timeout_s=60)
        count = await dish.ask("How many?", wanted=lambda m: m.text.isdigit())
        await message.reply(f"{count.text} of {dish.text}")

    @bot.message()
    async def other(message: Message) -> None:
        await message.reply("hm")

    return bot


async def test_dialogue_goes_from_question_to_question(waiter, autojump_clock):
    async with bot_chat(waiter) as chat:
        assert await chat.says("user", "!order") == ["What?"]
        assert await chat.says("user", "soup") == ["How many?"]
        assert await chat.says("user", "a lot") == ["How many?"]
        assert await chat.says("user", "2") == ["2 of soup"]
        assert await chat.says("user", "2") == ["hm"]


async def test_dialogues_of_two_do_not_mix(waiter, autojump_clock):
    async with bot_chat(waiter, users=("anna", "boris")) as chat:
        await chat.says("anna", "!order")
        await chat.says("boris", "!order")
        await chat.says("anna", "soup")
        await chat.says("boris", "salad")
        assert await chat.says("anna", "1") == ["1 of soup"]
        assert await chat.says("boris", "2") == ["2 of salad"]


async def test_dialogue_can_be_cancelled(waiter, autojump_clock):
    async with bot_chat(waiter) as chat:
        await chat.says("user", "!order")
        assert await chat.says("user", "!cancel") == ["Never mind, then."]
        assert await chat.says("user", "soup") == ["hm"]
        assert await chat.says("user", "!cancel") == ["hm"]


async def test_dialogue_ends_when_time_is_over(waiter, autojump_clock, caplog):
    async with bot_chat(waiter) as chat:
        await chat.says("user", "!order")
        assert await chat.waits(59) == []
        assert await chat.waits(2) == [
            "I have had no answer in time; just start again."
        ]
        assert await chat.says("user", "soup") == ["hm"]
    assert caplog.records == []


async def test_handler_may_treat_no_answer_itself(bot, autojump_clock):
    @bot.command("ask")
    async def ask(message: Message) -> None:
        try:
            await message.ask("Well?", timeout_s=10)
        except trio.TooSlowError:
            await message.reply("Too late.")

    async with bot_chat(bot) as chat:
        assert await chat.says("user", "!ask") == ["Well?"]
        assert await chat.waits(11) == ["Too late."]


async def test_commands_work_within_dialogue(waiter, autojump_clock):
    async with bot_chat(waiter) as chat:
        await chat.says("user", "!order")
        assert await chat.says("user", "!ping") == ["pong"]
        assert await chat.says("user", "soup") == ["How many?"]


async def test_new_dialogue_ends_the_old_one(waiter, autojump_clock):
    async with bot_chat(waiter) as chat:
        await chat.says("user", "!order")
        assert sorted(await chat.says("user", "!order")) == [
            "Never mind, then.",
            "What?",
        ]
        assert await chat.says("user", "soup") == ["How many?"]


async def test_next_message_is_given(bot, autojump_clock):
    @bot.command("guess")
    async def guess(message: Message) -> None:
        other = await bot.next_message(message.room.room_id, "@boris:example.org")
        await message.reply(f"Boris says {other.text}")

    async with bot_chat(bot, users=("anna", "boris")) as chat:
        assert await chat.says("anna", "!guess") == []
        assert await chat.says("anna", "not me") == []
        assert await chat.says("boris", "seven") == ["Boris says seven"]


# interruptions, and the end


async def test_messages_missed_offline_are_answered_once(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        chat.transport.go_down()
        for _ in range(30):
            await chat.says("user", "!ping")
        chat.transport.is_up = True
        assert await chat.waits(60) == ["pong"] * 30
        chat.transport.cut()
        assert await chat.waits(60) == []


async def test_nothing_old_is_answered_after_restart(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        await chat.says("user", "!ping")
        await chat.stop()
        assert await chat.says("user", "!ping") == []
        await chat.start()
        assert await chat.waits(60) == []
        assert await chat.says("user", "!ping") == ["pong"]


@pytest.fixture
def slow(bot):
    """A bot that takes so many seconds to answer."""

    @bot.command("slow")
    async def answer(message: Message, seconds: int) -> None:
        await message.reply("begun")
        await trio.sleep(seconds)
        await message.reply("done")

    return bot


async def begin(chat, text):
    room = await chat.sessions["user"].room(chat.room_id)
    await room.send_text(text)
    await wait_all_tasks_blocked()


@pytest.mark.parametrize(
    ("seconds", "said", "took"),
    [(3, ["begun", "done"], 3), (60, ["begun"], LINGER_S)],
    ids=["finishes", "is_cut"],
)
async def test_running_handler_has_time_at_the_end(
    slow, autojump_clock, seconds, said, took
):
    async with bot_chat(slow) as chat:
        await begin(chat, f"!slow {seconds}")
        before = trio.current_time()
        await chat.stop()
        assert trio.current_time() - before == pytest.approx(took)
        assert await chat.replies() == said


async def test_stopping_bot_hears_nothing_new(slow, autojump_clock):
    async with bot_chat(slow) as chat:
        await begin(chat, "!slow 3")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(chat.stop)
            await trio.sleep(1)
            await begin(chat, "!ping")
        assert await chat.replies() == ["begun", "done"]


async def test_what_is_said_is_sent_before_the_end(bot, autojump_clock):
    async with bot_chat(bot) as chat:
        chat.transport.cut_before = lambda json: json.get("do") == "room.send"
        await begin(chat, "!ping")  # the reply is lost on its way
        chat.transport.is_up = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(chat.stop)
            await trio.sleep(6)  # the handler has been cut
            chat.transport.is_up = True
        assert await chat.replies() == ["pong"]


async def test_open_question_ends_with_the_bot(waiter, autojump_clock):
    async with bot_chat(waiter) as chat:
        await chat.says("user", "!order")
        before = trio.current_time()
        await chat.stop()
        assert trio.current_time() - before < 1
        assert await chat.replies() == ["Never mind, then."]


@pytest.mark.parametrize(
    ("signals", "said"),
    [([signal.SIGTERM], ["begun", "done"]), ([signal.SIGINT] * 2, ["begun"])],
    ids=["first_is_gentle", "second_is_not"],
)
async def test_signal_stops_bot(slow, autojump_clock, signals, said):
    async with bot_chat(slow) as chat:
        await chat.stop()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(slow._run, **await chat.options()))
            await chat.waits(1)
            await begin(chat, "!slow 3")
            for number in signals:
                os.kill(os.getpid(), number)
                await trio.sleep(0.1)
        assert await chat.replies() == said
        await chat.start()


async def test_bot_that_is_logged_out_ends_with_reason(bot, autojump_clock):
    with pytest.raises(MatrixError, match="M_UNKNOWN_TOKEN"):
        await bot.serve(url="memory:", token="wrong", transport=_Nowhere())


class _Nowhere:
    async def call(self, operation, request, token):
        raise MatrixError("M_UNKNOWN_TOKEN", "the access token is not known")


def test_bot_reads_environment_when_it_starts():
    bot = Bot.from_env({"CHATPROTO_URL": "http://127.0.0.1:1", "CHATPROTO_TOKEN": "t"})
    with pytest.raises(SystemExit, match="the bot has ended: "):
        bot.run()
    with pytest.raises(SystemExit, match="set CHATPROTO_URL"):
        Bot.from_env({"CHATPROTO_URL": "http://127.0.0.1:1"}).run()
