"""Two people chat at two terminals."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.integration.harness import ServerProcess
from tests.integration.terminal import PROGRAM, Terminal


@pytest.fixture
def home(tmp_path):
    return os.environ | {
        "XDG_CONFIG_HOME": str(tmp_path / "home"),
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
    }


@pytest.fixture
def server(tmp_path, home):
    running = ServerProcess(tmp_path / "data", "--demo", "--rate-limits=off")
    running.start()
    for user in ("user1", "user2"):
        words = ("--profile", user, "login", running.url)
        logged = ("--user", user, "--password", f"{user}pass")
        subprocess.run([*PROGRAM, *words, *logged], env=home, check=True, timeout=30)
    yield running
    running.stop()


@pytest.fixture
def at_terminal(server, home):
    terminals = []

    def sit_down(user: str, *words: str, **size) -> Terminal:
        terminals.append(Terminal(home, "--profile", user, "chat", *words, **size))
        return terminals[-1]

    yield sit_down
    for terminal in terminals:
        terminal.close()


def badge(lines, name):
    """What the list of chats says beside a name, and at which place."""
    for place, line in enumerate(lines[1:-2]):
        listed = line[:28]
        if name in listed:
            return listed.split(name, 1)[1].strip(), place
    return None, None


def test_two_people_talk(at_terminal):
    one = at_terminal("user1", "Project")
    one.until(lambda lines: lines[0].startswith(" Project"))
    two = at_terminal("user2", "#general:localhost")
    two.until(lambda lines: lines[0].startswith(" General"))

    one.press("hello from a terminal\r")
    one.until("hello from a terminal ✓")
    two.until(lambda lines: badge(lines, "Project") == ("1", 0))

    two.press("\t")  # from the last of the list to the first
    two.until(lambda lines: lines[0].startswith(" Project"))
    two.until("hello from a terminal")
    two.until(lambda lines: badge(lines, "Project")[0] == "")
    one.until("hello from a terminal ✓✓")

    two.press("/reply привет 👋\r")
    one.until("привет 👋")
    one.until("↪")
    two.press("\x1b[A")  # up: change the newest
    two.until("changing your message")
    two.press("\x17\x17" + "answered\r")
    one.until("answered (edited)")
    one.press("writ")
    two.until("writing…")


def test_leaving_restores_the_terminal(at_terminal):
    one = at_terminal("user1")
    one.until("@user1:localhost")
    assert not one.is_restored()
    one.press("/quit\r")
    assert one.wait() == 0
    assert one.is_restored()
    assert b"\x1b[?1049l" in one.raw


def test_what_others_send_steers_nothing(at_terminal, home):
    two = at_terminal("user2", "Project")
    two.until(lambda lines: lines[0].startswith(" Project"))
    evil = "a\x1b]0;owned\x07b\u202ec\x9b2Jd"
    words = ("--profile", "user1", "send", "Project", evil)
    subprocess.run([*PROGRAM, *words], env=home, check=True, timeout=30)
    two.until("a]0;ownedbc2Jd")
    assert two.screen.title != "owned"


def test_small_screen_shows_the_chat_alone(at_terminal):
    one = at_terminal("user1", "Project")
    one.until("│")
    one.resize(50, 12)
    one.until(lambda lines: not any("│" in line for line in lines))
    one.press("/help\r")
    one.until("/quit: leave")
    one.press("\x1b")
    one.until(lambda lines: "/quit" not in "\n".join(lines))


def test_messages_wait_while_the_server_is_away(at_terminal, server):
    one = at_terminal("user1", "Project")
    one.until(lambda lines: lines[0].startswith(" Project"))
    server.kill()
    one.until("offline")
    one.press("said while away\r")
    one.until("said while away …")
    server.restart()
    one.until("said while away ✓", 30)


def test_lines_are_sent_and_shown_without_a_terminal(server, home):
    words = ("--profile", "user1", "chat", "Project")
    told = subprocess.run(
        [*PROGRAM, *words],
        input="from a pipe\n",
        text=True,
        env=home,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")
    tail = ("--profile", "user2", "rooms")
    listed = subprocess.run(
        [*PROGRAM, *tail], text=True, env=home, capture_output=True, timeout=30
    )
    assert "(1) Project" in listed.stdout
