from __future__ import annotations

import runpy

import pytest
from chatproto_polls import MODULE
from chatproto_polls.operations import CastVote

from chatproto.errors import MatrixError
from chatproto.testing import bot_chat


@pytest.fixture
def bot():
    return runpy.run_path("examples/poll_bot.py")["bot"]


async def vote(chat, who, option, number):
    poll = next(row for row in chat.rows(who) if row.type == "org.example.polls.poll")
    request = CastVote(
        room_id=chat.room_id,
        poll=poll.event_id,
        txn_id=f"vote{number}",
        option=option,
    )
    await chat.calls(who, request)
    await chat.settled()


async def test_poll_is_asked_voted_on_and_closed(bot, autojump_clock):
    async with bot_chat(bot, users=("anna", "boris")) as chat:
        asked = await chat.says("anna", "!poll Where to? | Park | Cinema")
        assert asked == ["Where to?\n1. Park\n2. Cinema"]
        await vote(chat, "anna", 0, 1)
        await vote(chat, "boris", 0, 2)
        await vote(chat, "boris", 1, 3)  # Boris has thought better of it
        await chat.says("anna", "!votefor 2")
        assert await chat.says("boris", "!close") == ["Park: 1, Cinema: 2"]


async def test_vote_for_no_option_is_refused(bot, autojump_clock):
    async with bot_chat(bot, users=("anna",)) as chat:
        await chat.says("anna", "!poll Where to? | Park | Cinema")
        with pytest.raises(MatrixError, match="no option 7"):
            await vote(chat, "anna", 7, 1)


async def test_poll_with_one_option_is_refused(bot, autojump_clock):
    async with bot_chat(bot, users=("anna",)) as chat:
        [answer] = await chat.says("anna", "!poll Where to? | Park")
        assert "2 to 20 options" in answer


def test_bot_speaks_the_modules_language(bot):
    assert bot.modules == (MODULE,)
