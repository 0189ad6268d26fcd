from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.integration.harness import ServerProcess

POLLS = "--module=chatproto_polls:MODULE"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server") / "data"
    options = ("--demo", "--rate-limits=off", "--modules=org.example.polls")
    running = ServerProcess(folder, *options)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def run(server, tmp_path_factory):
    environment = os.environ | {"XDG_CONFIG_HOME": str(tmp_path_factory.mktemp("home"))}
    program = [sys.executable, "-c", "from chatproto.client.cli import main; main()"]

    def run_one(
        *words: str, user: str = "user1", **options
    ) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*program, "--profile", user, *words],
            env=environment,
            text=True,
            capture_output=True,
            timeout=30,
            check=False,
            **options,
        )

    for user in ("user1", "user2"):
        words = ("login", server.url, "--user", user, "--password", f"{user}pass")
        assert run_one(*words, user=user).stdout == f"logged in as @{user}:localhost\n"
    run_one.program = program
    run_one.environment = environment
    return run_one


def rooms(run, user: str) -> list[dict]:
    return [
        json.loads(line)
        for line in run("rooms", "--json", user=user).stdout.splitlines()
    ]


def test_message_lifts_chat_of_the_other(run):
    before = [room["name"] for room in rooms(run, "user1")]
    assert run("send", "#general:localhost", "hello").stdout.startswith("$")
    assert [room["name"] for room in rooms(run, "user1")] == before
    top = rooms(run, "user2")[0]
    assert (top["name"], top["unread"] > 0) == ("General", True)


def test_repeated_transaction_sends_once(run):
    first = run("send", "General", "-", "--txn=same", input="from a pipe\n").stdout
    assert first.startswith("$")
    assert run("send", "General", "again", "--txn=same").stdout == first


def test_tail_shows_what_comes(run):
    tail = subprocess.Popen(
        [
            *run.program,
            "--profile",
            "user2",
            "tail",
            "General",
            "--json",
            "--history=1",
        ],
        env=run.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert json.loads(tail.stdout.readline())["room_id"]
    run("send", "General", "to be seen")
    assert json.loads(tail.stdout.readline())["content"]["body"] == "to be seen"
    tail.send_signal(signal.SIGINT)
    _, errors = tail.communicate(timeout=10)
    assert (tail.returncode, errors) == (130, "")


def test_poll_from_the_command_line(run):
    room = f"room_id={rooms(run, 'user1')[0]['room_id']}"
    words = ("txn_id=1", "question=Lunch?", 'options=["soup", "salad"]')
    started = run("call", "org.example.polls.start", room, *words, POLLS)
    poll = f"poll={json.loads(started.stdout)['poll']}"
    vote = ("call", "org.example.polls.vote", room, poll)
    voted = run(*vote, "txn_id=2", "option=1", POLLS, user="user2")
    assert json.loads(voted.stdout)["event_id"]
    refused = run(*vote, "txn_id=3", "option=7", POLLS, user="user2")
    assert refused.stderr == "Error: M_INVALID_PARAM: the poll has no option 7\n"


MISTAKES = {
    "not_logged_in": (("rooms",), "nobody", "you are not logged in"),
    "no_room": (("send", "Nowhere", "x"), "user1", "no room called 'Nowhere'"),
    "no_operation": (("call", "no.such"), "user1", "no operation 'no.such'"),
    "no_field": (("call", "room.leave"), "user1", "missing field 'room_id'"),
    "no_module": (("ops", "--module=nothing:X"), "user1", "cannot load nothing:X"),
}


@pytest.mark.parametrize(("words", "user", "why"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_one_clear_line(run, words, user, why):
    done = run(*words, user=user)
    assert done.returncode == 1
    assert why in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_table_is_printed(run):
    lines = run("ops").stdout.splitlines()
    assert any(
        line.split()
        == [
            "room.send",
            "user",
            "message",
            "PUT",
            "/_matrix/client/v3/rooms/{room_id}/send/{event_type}/{txn_id}",
        ]
        for line in lines
    )
