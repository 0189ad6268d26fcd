"""Each example bot, as it stands in its file, in a chat without a server."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from chatproto_polls.operations import CastVote

from chatproto.client.bot import Bot
from chatproto.testing import bot_chat

EXAMPLES = Path("examples").resolve()


@pytest.fixture
def load(monkeypatch):
    """Gives the bot of a file, which is run but for the last step."""
    monkeypatch.setattr(Bot, "run", lambda _bot: None)
    return lambda name: runpy.run_path(str(EXAMPLES / name))["bot"]


def test_every_bot_is_tested_here():
    tested = Path(__file__).read_text()
    for path in EXAMPLES.glob("*_bot.py"):
        assert f'load("{path.name}")' in tested


def test_ping_bot_is_short():
    assert len((EXAMPLES / "ping_bot.py").read_text().splitlines()) <= 12


async def test_ping_bot_pongs(load, autojump_clock):
    async with bot_chat(load("ping_bot.py")) as chat:
        assert await chat.says("user", "!ping") == ["pong"]


async def test_echo_bot_echoes(load, autojump_clock):
    async with bot_chat(load("echo_bot.py")) as chat:
        assert await chat.says("user", "!echo one  two") == ["one  two"]
        assert await chat.says("user", "!echo") == ["it takes !echo text"]
        assert await chat.says("user", "!help") == [
            "!echo text - Say the same.\n!ping - Answer pong."
        ]


async def begun(chat):
    """Let anna start a poll; gives its ID."""
    await chat.says("anna", "!poll Lunch? | soup | salad")
    polls = chat.sessions["anna"].state.rooms[chat.room_id].extensions["polls"]
    return next(iter(polls))


async def vote(chat, who, poll, option):
    txn_id = f"vote{len(chat.rows())}"
    request = CastVote(room_id=chat.room_id, poll=poll, txn_id=txn_id, option=option)
    await chat.calls(who, request)


async def test_poll_bot_tells_how_things_stand(load, autojump_clock):
    async with bot_chat(load("poll_bot.py"), users=("anna", "boris")) as chat:
        poll = await begun(chat)
        assert await chat.says("boris", "!result") == ["soup: 0, salad: 0"]
        await vote(chat, "anna", poll, 0)
        await vote(chat, "boris", poll, 1)
        assert await chat.says("boris", "!result") == ["soup: 1, salad: 1"]
        assert await chat.says("anna", "!close") == ["soup: 1, salad: 1"]
        await vote(chat, "anna", poll, 1)  # too late
        for command in ("!result", "!close", "!votefor 1"):
            assert await chat.says("anna", command) == ["There is no open poll."]
        polls = chat.sessions["boris"].state.rooms[chat.room_id].extensions["polls"]
        assert polls[poll]["votes"] == {
            "@anna:example.org": 0,
            "@boris:example.org": 1,
        }


async def test_poll_bot_asks_for_what_is_missing(load, autojump_clock):
    which = ["Which options? Put | between them."]
    async with bot_chat(load("poll_bot.py")) as chat:
        assert await chat.says("user", "!poll") == ["What is the question?"]
        assert await chat.says("user", "Tea?") == which
        assert await chat.says("user", "yes") == which
        assert await chat.says("user", "yes | no") == ["Tea?\n1. yes\n2. no"]
        assert await chat.says("user", "!poll Now?") == which
        assert await chat.says("user", "!cancel") == ["Never mind, then."]


async def test_poll_bot_knows_its_poll_after_restart(load, autojump_clock):
    async with bot_chat(load("poll_bot.py"), users=("anna",)) as chat:
        await vote(chat, "anna", await begun(chat), 1)
        for number in range(40):
            await chat.says("anna", f"talk {number}")
        await chat.stop()
        await chat.start()
        assert await chat.says("anna", "!close") == ["soup: 0, salad: 1"]


async def test_poll_of_somebody_else_is_not_the_bots(load, autojump_clock):
    async with bot_chat(load("poll_bot.py")) as chat:
        content = {"question": "Mine?", "options": ["yes", "no"]}
        await chat.sends("user", "org.example.polls.poll", content)
        assert await chat.says("user", "!close") == ["There is no open poll."]


async def test_poll_bot_on_server_without_module_says_so(load, autojump_clock):
    async with bot_chat(load("poll_bot.py"), modules=()) as chat:
        (answer,) = await chat.says("user", "!poll Lunch? | soup | salad")
        assert answer.startswith("no operation")
