from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatproto.client.bot import Bot, Command, Message

EXAMPLES = Path("examples").resolve()


@pytest.fixture
def start_bot(server):
    processes = []

    def start(name: str, user: str) -> subprocess.Popen:
        settings = {
            "CHATPROTO_URL": server.url,
            "CHATPROTO_USER": user,
            "CHATPROTO_PASSWORD": f"{user}pass",
        }
        script = EXAMPLES / name
        process = subprocess.Popen([sys.executable, script], env=os.environ | settings)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait(10)


async def talk(client, room_id: str, text: str) -> str:
    """Say something and give the next message of the other one."""
    await client.say(room_id, text, f"t{text}")
    while True:
        event = await client.items("event")
        if event["type"] == "m.room.message" and event["sender"] != client.user_id:
            return event["content"]["body"]


async def test_bot_joins_and_answers(server, log_in, start_bot, nursery):
    anna = await log_in("user1")
    process = start_bot("echo_bot.py", "user4")
    body = {"user_id": "@user4:localhost"}
    room_id = (await anna.request("POST", "/_chatproto/v1/direct", body))["room_id"]
    await anna.connect(nursery)
    while (await anna.items("event")).get("content") != {
        "displayname": "Dmitri Orlov",
        "membership": "join",
    }:
        pass
    assert await talk(anna, room_id, "!ping") == "pong"
    assert await talk(anna, room_id, "!echo one two") == "one two"
    assert await talk(anna, room_id, "!echo") == "it takes !echo text"
    assert await talk(anna, room_id, "!help") == (
        "!echo text - Say the same.\n!ping - Answer pong."
    )
    server.kill()
    server.restart()
    await anna.connect(nursery)
    await anna.items("sync")
    assert await talk(anna, room_id, "!echo after the restart") == "after the restart"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_ping_bot_is_short():
    assert len((EXAMPLES / "ping_bot.py").read_text().splitlines()) <= 12


def test_bot_without_settings_says_which():
    with pytest.raises(SystemExit, match="CHATPROTO_URL"):
        Bot.from_env({}).run()


async def add(message: Message, first: int, second: int = 1) -> None:
    """Add two numbers."""


@pytest.mark.parametrize(
    ("words", "arguments"),
    [(["2"], [2]), (["2", "3"], [2, 3])],
)
def test_arguments_are_read_by_annotation(words, arguments):
    assert Command("add", add).arguments(words) == arguments


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "it takes !add first [second]"),
        (["x"], "first is not a int: 'x'"),
        (["1", "2", "3"], "it takes !add first [second]"),
    ],
)
def test_wrong_arguments_are_explained(words, why):
    with pytest.raises(ValueError, match="^" + why.replace("[", r"\[") + "$"):
        Command("add", add).arguments(words)
