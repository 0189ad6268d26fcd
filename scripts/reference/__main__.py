"""Write docs/reference from the declarations; with --check only tell what is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.reference import (
    auth_rules,
    commands,
    connection_states,
    errors,
    events,
    matrix_api,
    operations,
    settings,
)

FOLDER = Path("docs/reference")
NOTE = "<!-- written by `make docs` from the declarations: do not edit -->\n\n"
PAGES = {
    "operations.md": operations.page,
    "events.md": events.page,
    "matrix-api.md": matrix_api.page,
    "settings.md": settings.page,
    "errors.md": errors.page,
    "connection-states.md": connection_states.page,
    "auth-rules.md": auth_rules.page,
    "commands.md": commands.page,
}


def main() -> int:
    pages = {FOLDER / name: NOTE + page() for name, page in PAGES.items()}
    stale = [p for p in pages if not p.is_file() or p.read_text() != pages[p]]
    stale += sorted(set(FOLDER.glob("*.md")) - set(pages))
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path} is stale: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in stale:
        if path in pages:
            path.write_text(pages[path])
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
