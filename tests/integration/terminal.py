"""A person at a terminal: the program under a real pty, its screen by pyte."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

import pyte

PROGRAM = [sys.executable, "-c", "from chatproto.client.cli import main; main()"]


class Terminal:
    """Runs `chatproto WORDS`; keys in, screen out."""

    def __init__(
        self, environment: dict[str, str], *words: str, columns=80, rows=24
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        self._set_size(columns, rows)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [*PROGRAM, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        self._slave = slave
        self._lock = threading.Lock()
        self.raw = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            with self._lock:
                self.raw += data
                self._stream.feed(data)

    @property
    def lines(self) -> list[str]:
        with self._lock:
            return [line.rstrip() for line in self.screen.display]

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, seen, seconds: float = 15) -> list[str]:
        """Wait until a text, or what a function says, is on the screen."""
        wanted = seen if callable(seen) else lambda lines: seen in "\n".join(lines)
        deadline = time.monotonic() + seconds
        while not wanted(self.lines):
            picture = "\n".join(self.lines)
            assert time.monotonic() < deadline, f"not seen {seen!r} in:\n{picture}"
            assert self.process.poll() is None, f"it has ended:\n{picture}"
            time.sleep(0.02)
        return self.lines

    def resize(self, columns: int, rows: int) -> None:
        with self._lock:
            self.screen.resize(rows, columns)
            self._set_size(columns, rows)
        self.process.send_signal(signal.SIGWINCH)

    def _set_size(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def is_restored(self) -> bool:
        """Whether the terminal is as it was before."""
        return termios.tcgetattr(self._slave) == self.before

    def wait(self) -> int:
        return self.process.wait(15)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(15)
        os.close(self._slave)
        os.close(self._master)
        self._reader.join(5)
