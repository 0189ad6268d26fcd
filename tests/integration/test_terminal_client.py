from __future__ import annotations

import subprocess
import sys

CLIENT = "examples/terminal_client/client.py"


def run(server, user: str, typed: str) -> str:
    words = (server.url, user, f"{user}pass")
    return subprocess.run(
        [sys.executable, CLIENT, *words],
        input=typed,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout


def test_example_shows_and_sends(server):
    assert "Anna Petrova: hello" in run(server, "user1", "hello\n")
    seen = run(server, "user2", "")
    assert "(1)" in seen
    assert "Anna Petrova: hello" in seen
