"""Running programs, and saying what has become of them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def run(*words: str) -> str:
    """What a command prints; if it fails, all it said is shown and this ends."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}{words[0]} ended with {done.returncode}")
    return done.stdout.strip()


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(f"the image is not as it should be: {otherwise}")


@contextmanager
def told(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def release() -> dict[str, str]:
    lines = Path("/etc/os-release").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: value.strip('"') for name, _, value in pairs}
