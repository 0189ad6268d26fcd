"""Clients in processes of their own: what they say that they saw, step by step."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import define, field, frozen

from scripts.javascript import FOLDER, NODE, install
from tests.integration.harness import ServerProcess

SERVER_NAME = "localhost"
PASSWORD = "correct horse battery staple"
_CLIENTS = Path(__file__).parent / "clients"


@frozen
class Account:
    """A user who has registered with the server, and the password."""

    localpart: str
    user_id: str
    password: str


@define
class Server:
    """A started server; its address stays the same when it is restarted."""

    process: ServerProcess

    @property
    def url(self) -> str:
        return self.process.url

    @property
    def folder(self) -> Path:
        return self.process.folder

    def stop(self) -> None:
        self.process.stop()

    def start(self) -> None:
        self.process.restart()

    def restart(self) -> None:
        """Stop it by its process ID, then start it on the same data and port."""
        self.stop()
        self.start()


@define
class Recording:
    """A client's own way to the server, which writes down what is said on it."""

    client: str
    path: Path
    url: str
    process: subprocess.Popen[str]

    @classmethod
    def start(cls, client: str, server: Server, folder: Path) -> Recording:
        path = folder / f"{client}.jsonl"
        command = ["-m", "tests.conformance.proxy", client, server.url, str(path)]
        process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        return cls(client, path, process.stdout.readline().strip(), process)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def exchanges(self) -> list[dict]:
        """What was said until now, oldest answer first."""
        text = self.path.read_text() if self.path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]


@frozen
class Walk:
    """What a client's process printed: {"step": ..., "ok": ..., "detail": ...}."""

    steps: dict[str, dict]
    errors: str = field(repr=False, default="")

    def check(self, step: str) -> None:
        assert step in self.steps, f"not reached; at the end:\n{self.errors[-4000:]}"
        taken = self.steps[step]
        assert taken["ok"], f"{step}: {taken.get('detail', '')}"


def walk(
    command: Sequence[str | Path],
    *,
    timeout_s: float = 120,
    wishes: Mapping[str, Callable[[], None]] = {},
    **settings: str,
) -> Walk:
    """Run a client to its end; it finds the settings in its environment.

    When it prints {"wish": name}, the one of that name is granted, and a line tells it.
    """
    environment = {
        **os.environ,
        **{name.upper(): value for name, value in settings.items()},
    }
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            text=True,
        ) as process,
    ):
        late = threading.Timer(timeout_s, process.kill)
        late.start()
        taken = _steps_taken(process, wishes)
        late.cancel()
        errors.seek(0)
        return Walk(taken, errors.read())


def _steps_taken(
    process: subprocess.Popen[str],
    wishes: Mapping[str, Callable[[], None]],
) -> dict[str, dict]:
    assert process.stdin is not None
    assert process.stdout is not None
    taken = {}
    for row in process.stdout:
        line = json.loads(row) if row.startswith("{") else {}
        if "wish" in line:
            wishes[line["wish"]]()
            print(file=process.stdin, flush=True)
        elif line:
            taken[line["step"]] = line
    return taken


def python(script: str) -> list[str | Path]:
    """The command that runs one of our scripts around a Python client."""
    return [sys.executable, _CLIENTS / script]


def javascript(script: str) -> list[str | Path]:
    """The command that runs one of our scripts around a JavaScript client."""
    install()
    return [NODE, FOLDER / script]


def steps(script: str) -> list[str]:
    """The names of the steps of one of our scripts, in its order."""
    if script.endswith(".mjs"):
        text = (FOLDER / script).read_text().partition("\nconst steps = {")[2]
        return re.findall(r"^  async (\w+)\(", text, re.MULTILINE)
    text = (_CLIENTS / script).read_text()
    return re.findall(r"^async def step_(\w+)", text, re.MULTILINE)
