"""From the bytes of a terminal to keys: characters, and names in angle brackets."""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator, Iterator

ESCAPE = "\x1b"
_CONTROLS = {
    "\r": "<enter>",
    "\n": "<enter>",
    "\t": "<tab>",
    "\x7f": "<backspace>",
    "\x08": "<backspace>",
    "\x01": "<home>",
    "\x05": "<end>",
    "\x02": "<left>",
    "\x06": "<right>",
    "\x03": "<ctrl-c>",
    "\x04": "<ctrl-d>",
    "\x0b": "<ctrl-k>",
    "\x0c": "<ctrl-l>",
    "\x0e": "<next>",
    "\x10": "<previous>",
    "\x15": "<ctrl-u>",
    "\x17": "<ctrl-w>",
}
_SEQUENCES = {
    "[A": "<up>",
    "[B": "<down>",
    "[C": "<right>",
    "[D": "<left>",
    "OA": "<up>",
    "OB": "<down>",
    "OC": "<right>",
    "OD": "<left>",
    "[H": "<home>",
    "[F": "<end>",
    "OH": "<home>",
    "OF": "<end>",
    "[1~": "<home>",
    "[4~": "<end>",
    "[3~": "<delete>",
    "[5~": "<page-up>",
    "[6~": "<page-down>",
    "[Z": "<previous>",
}
_SEQUENCE = re.compile(r"\[[0-9;?<>=]*[@-~]|O[@-~]")
_UNFINISHED = re.compile(r"(\[[0-9;?<>=]{0,30}|O)?$")
_PASTE, _PASTED = "[200~", "\x1b[201~"


class Keys:
    """Reads keys as they come in, in pieces of any size."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._pasting = False

    @property
    def is_waiting(self) -> bool:
        """Whether an escape may be the key itself, or the beginning of more."""
        return self._rest == ESCAPE and not self._pasting

    def feed(self, data: bytes) -> list[str]:
        self._rest += self._decoder.decode(data)
        return list(self._read())

    def flush(self) -> list[str]:
        """Nothing more has come for a moment: an escape was the key itself."""
        if self.is_waiting:
            self._rest = ""
            return ["<esc>"]
        return []

    def _read(self) -> Iterator[str]:
        while self._rest:
            if self._pasting:
                if not (yield from self._paste()):
                    return
            elif self._rest[0] == ESCAPE:
                found = _SEQUENCE.match(self._rest, 1)
                if found is None and _UNFINISHED.match(self._rest, 1):
                    return
                yield from self._sequence(found)
            else:
                char, self._rest = self._rest[0], self._rest[1:]
                if char >= " " or char in _CONTROLS:
                    yield _CONTROLS.get(char, char)

    def _sequence(self, found: re.Match[str] | None) -> Iterator[str]:
        if found is None:  # an escape before something else
            self._rest = self._rest[1:]
            yield "<esc>"
            return
        self._rest = self._rest[found.end() :]
        self._pasting = found[0] == _PASTE
        if found[0] in _SEQUENCES:
            yield _SEQUENCES[found[0]]

    def _paste(self) -> Generator[str, None, bool]:
        """What is pasted is text, whatever it contains; true once it has ended."""
        pasted, end, rest = self._rest.partition(_PASTED)
        keep = 0 if end else min(len(pasted), len(_PASTED) - 1)
        shown = pasted[: len(pasted) - keep]
        self._rest = rest if end else pasted[len(pasted) - keep :]
        self._pasting = not end
        for char in shown:
            if char >= " " and char != "\x7f":
                yield char
            elif char in "\r\n\t":
                yield " "
        return bool(end)
