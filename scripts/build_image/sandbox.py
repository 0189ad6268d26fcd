"""A container of what is on every machine: the files of an image, and little else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.build_image.shell import require

STOP_SECONDS = 20


class Sandbox:
    """The files of an image, read-only but for /data and /tmp, on a network of its own."""

    def __init__(self, root: Path, data: Path, settings: Mapping[str, Any]) -> None:
        self.root, self.data, self.settings = root, data, settings
        self.user, self.group = map(int, settings["User"].split(":"))
        self.own(data)

    def own(self, folder: Path) -> None:
        """Do what Docker does for a new volume."""
        os.chown(folder, self.user, self.group)

    @property
    def default(self) -> list[str]:
        return [*self.settings["Entrypoint"], *self.settings["Cmd"]]

    def command(self, *words: str, info: int | None = None) -> list[str]:
        """What runs `words` as PID 1; the process's ID here is written to `info`."""
        drop = ["setpriv", f"--reuid={self.user}", f"--regid={self.group}"]
        drop += ["--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        environment = ["--clearenv"]
        for name, _, value in (entry.partition("=") for entry in self.settings["Env"]):
            environment += ["--setenv", name, value]
        return [
            *("bwrap", "--die-with-parent", "--as-pid-1"),
            *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
            *("--ro-bind", str(self.root), "/", "--bind", str(self.data), "/data"),
            *("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", *environment),  # noqa: S108  # the sandbox's
            *("--chdir", self.settings["WorkingDir"]),
            *("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"),
            *("--cap-add", "CAP_SETPCAP"),
            *(("--info-fd", str(info)) if info is not None else ()),
            *("--", *drop, *words),
        ]

    def beside(self, process_id: int, *words: str) -> list[str]:
        """What runs `words` where that process runs, as `docker compose exec` does."""
        return [
            *("nsenter", f"--target={process_id}", "--root", "--wd"),
            *("--mount", "--net", "--pid", "--ipc", "--uts"),
            *(f"--setuid={self.user}", f"--setgid={self.group}"),
            *("env", "--ignore-environment", *self.settings["Env"], *words),
        ]


@contextmanager
def serving(box: Sandbox) -> Iterator[int]:
    """The server of the image while it serves; stopped as `docker compose stop` does."""
    read, write = os.pipe()
    process = subprocess.Popen(
        box.command(*box.default, info=write),
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[write],
    )
    os.close(write)
    with os.fdopen(read) as info:
        process_id = json.load(info)["child-pid"]
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        require("listens on http://0.0.0.0:8008" in first, f"it said {first!r}")
        yield process_id
        os.kill(process_id, signal.SIGTERM)
        require(_ends(process), f"it goes on {STOP_SECONDS} s after it was stopped")
        code = process.returncode
        require(code == 0, f"it was stopped, and ended with {code}")
    finally:
        if process.poll() is None:
            # Not what started it: that the two end together ends where a user changes.
            os.kill(process_id, signal.SIGKILL)
        process.communicate()


def _ends(process: subprocess.Popen[str]) -> bool:
    try:
        process.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True
