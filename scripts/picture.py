"""Write docs/images/terminal.svg: the terminal client at work on the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from html import escape
from itertools import groupby
from pathlib import Path

sys.path.insert(0, ".")

from tests.integration.harness import ServerProcess
from tests.integration.terminal import PROGRAM, Terminal

TARGET = Path("docs/images/terminal.svg")
COLUMNS, ROWS = 96, 22
CELL, LINE, MARGIN = 8.4, 18, 12
INK, PAPER = "#d8dee9", "#20242c"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder) / "data", "--demo")
        server.start()
        try:
            TARGET.parent.mkdir(exist_ok=True)
            TARGET.write_text(drawn(server, folder))
        finally:
            server.stop()


def drawn(server: ServerProcess, folder: str) -> str:
    home = os.environ | {"XDG_CONFIG_HOME": folder, "TZ": "UTC"}
    for user in ("user1", "user2"):
        words = ("--profile", user, "login", server.url, "--user", user)
        command = [*PROGRAM, *words, "--password", f"{user}pass"]
        subprocess.run(command, env=home, check=True, stdout=subprocess.DEVNULL)
    size = {"columns": COLUMNS, "rows": ROWS}
    anna = Terminal(home, "--profile", "user1", "chat", "Project", **size)
    boris = Terminal(home, "--profile", "user2", "chat", "Project", **size)
    try:
        boris.until("заморажив")
        boris.press("/reply 13 40 seconds is fine.\r")
        anna.until("is fine")
        anna.press("/react 14 👍\r")
        anna.press("Then it is settled: Friday.\r")
        anna.until("settled: Friday. ✓✓")
        boris.press("/me brings cake")
        anna.until("👍")
        boris.press("\r")
        anna.until("* Boris Ivanov brings cake")
        boris.press("I also have")
        anna.until("writing")
        anna.press("Which cake? 🍰")
        anna.until("Which cake?")
        return svg(anna)
    finally:
        anna.close()
        boris.close()


def svg(terminal: Terminal) -> str:
    width, height = COLUMNS * CELL + 2 * MARGIN, ROWS * LINE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'font-family="monospace" font-size="14">',
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
    ]
    for row in range(ROWS):
        cells = [
            (column, terminal.screen.buffer[row][column]) for column in range(COLUMNS)
        ]
        for (is_reverse, is_bold), run in groupby(
            cells, key=lambda cell: (cell[1].reverse, cell[1].bold)
        ):
            found = list(run)
            parts += piece(row, found, is_reverse=is_reverse, is_bold=is_bold)
    return "\n".join([*parts, "</svg>"]) + "\n"


def piece(row: int, cells: list, *, is_reverse: bool, is_bold: bool) -> list[str]:
    """Characters of one style, side by side."""
    x, y = MARGIN + cells[0][0] * CELL, MARGIN + row * LINE
    text = "".join(cell.data for _, cell in cells)
    length = len(cells) * CELL
    parts = []
    if is_reverse:
        parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{length:g}" height="{LINE}" fill="{INK}"/>'
        )
    shown = text.strip(" ")
    if shown:
        x += (len(text) - len(text.lstrip(" "))) * CELL
        weight = ' font-weight="bold"' if is_bold else ""
        ink = PAPER if is_reverse else INK
        parts.append(
            f'<text x="{x:g}" y="{y + LINE - 5:g}" fill="{ink}" '
            f'textLength="{len(shown) * CELL:g}" xml:space="preserve"{weight}>'
            f"{escape(shown)}</text>"
        )
    return parts


if __name__ == "__main__":
    main()
