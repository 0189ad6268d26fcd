"""Install the JavaScript clients that tests/conformance/node/package.json names.

With --lock, what the lock file holds is worked out anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts import npm

FOLDER = Path(__file__).parent.parent / "tests" / "conformance" / "node"
LOCK = FOLDER / "package-lock.json"
NODE = npm.NODE


def install() -> None:
    """Have what the lock file names, with nothing of it having been run."""
    npm.install(FOLDER)


if __name__ == "__main__":
    if "--lock" in sys.argv[1:]:
        npm.lock(FOLDER)
    install()
