"""A module by a stranger, a bot that uses it, and people: over a real network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio
from chatproto_polls import MODULE
from chatproto_polls.operations import CastVote

from chatproto.client import connect
from chatproto.operations.rooms import OpenDirectChat
from tests.integration.harness import ServerProcess

BOT = "@user4:localhost"


@pytest.fixture
def server(tmp_path):
    options = ("--demo", "--rate-limits=off", "--modules=org.example.polls")
    running = ServerProcess(tmp_path / "data", *options)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def bot(server):
    settings = {
        "CHATPROTO_URL": server.url,
        "CHATPROTO_USER": "user4",
        "CHATPROTO_PASSWORD": "user4pass",
    }
    script = Path("examples/poll_bot.py").resolve()
    process = subprocess.Popen([sys.executable, script], env=os.environ | settings)
    yield process
    process.kill()
    process.wait(10)


async def next_from_bot(live):
    with trio.fail_after(20):
        async for event in live:
            if event["sender"] == BOT and event["type"] == "m.room.message":
                return event["content"]["body"]
    raise AssertionError("the session has ended")


async def has_joined(session, room):
    with trio.fail_after(20), session.changes() as changes:
        while room.state is None or room.state.state.membership(BOT) != "join":
            await changes.receive()


async def test_poll_is_held(server, bot):
    log_in = partial(connect, server.url, user="user1", password="user1pass")
    async with log_in(modules=[MODULE]) as anna:
        made = await anna.call(OpenDirectChat(user_id=BOT))
        room = await anna.room(made.room_id)
        await has_joined(anna, room)
        live = room.live()
        await room.send_text("!poll Lunch? | soup | salad")
        assert await next_from_bot(live) == "Lunch?\n1. soup\n2. salad"
        (poll,) = room.state.extensions["polls"]
        vote = CastVote(room_id=room.room_id, poll=poll, txn_id="v1", option=1)
        await anna.call(vote)
        await room.send_text("!close")
        assert await next_from_bot(live) == "soup: 0, salad: 1"
        assert room.state.extensions["polls"][poll]["closed"]
        await live.aclose()
    bot.send_signal(signal.SIGTERM)
    assert await trio.to_thread.run_sync(bot.wait, 10) == 0
