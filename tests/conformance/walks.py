"""Clients in processes of their own: what they say that they saw, step by step."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
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
    **settings: str,
) -> Walk:
    """Run a client to its end; it finds the settings in its environment."""
    environment: Mapping[str, str] = {
        **os.environ,
        **{name.upper(): value for name, value in settings.items()},
    }
    try:
        done = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            env=environment,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        output, errors = done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        output, errors = _text(late.stdout), _text(late.stderr) + "\nit took too long"
    lines = [json.loads(row) for row in output.splitlines() if row.startswith("{")]
    return Walk({line["step"]: line for line in lines}, errors)


def python(script: str) -> list[str | Path]:
    """The command that runs one of our scripts around a Python client."""
    return [sys.executable, _CLIENTS / script]


def javascript(script: str) -> list[str | Path]:
    """The command that runs one of our scripts around a JavaScript client."""
    install()
    return [NODE, FOLDER / script]


def _text(output: bytes | str | None) -> str:
    return output.decode() if isinstance(output, bytes) else output or ""


def steps(script: str) -> list[str]:
    """The names of the steps of one of our scripts, in its order."""
    folder, step = _CLIENTS, r"^async def step_(\w+)"
    if script.endswith(".mjs"):
        folder, step = FOLDER, r"^  async (\w+)\("
    return re.findall(step, (folder / script).read_text(), re.MULTILINE)
