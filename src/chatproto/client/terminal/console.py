"""The terminal that the program runs on: its keys, its size, and putting it back."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager, suppress

import trio

from chatproto.client.terminal.keys import Key, Keys

ESCAPE_S = 0.05  # so long an escape may be the beginning of a sequence
# A screen of our own; pastes are marked; what is too wide is cut and not wrapped.
_ENTER = "\x1b[?1049h\x1b[?2004h\x1b[?7l\x1b[2J"
_LEAVE = "\x1b[0m\x1b[?7h\x1b[?2004l\x1b[?1049l"


@contextmanager
def raw_terminal() -> Generator[None]:
    """Keys as they are pressed, on a screen of our own; all is put back at the end."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        write(_ENTER)
        yield
    finally:
        with suppress(OSError):  # the terminal may be gone
            write(_LEAVE)
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def pressed_keys() -> AsyncGenerator[Key]:
    """Keys from standard input, until it ends."""
    keys = Keys()
    while True:
        ready = False
        with trio.move_on_after(ESCAPE_S if keys.is_waiting else float("inf")):
            await trio.lowlevel.wait_readable(sys.stdin.fileno())
            ready = True
        data = os.read(sys.stdin.fileno(), 65536) if ready else b""
        if ready and not data:
            return
        for key in keys.feed(data) if ready else keys.flush():
            yield key


def write(text: str) -> None:
    data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


def size() -> tuple[int, int]:
    """Columns and rows as they are now, whatever the environment says they were."""
    found = os.get_terminal_size(sys.stdout.fileno())
    return found.columns, found.lines
