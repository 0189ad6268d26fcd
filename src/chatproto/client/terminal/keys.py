"""From the bytes of a terminal to keys."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Generator, Iterator
from typing import TypeAlias

from attrs import frozen

ESCAPE = "\x1b"
_CONTROLS = {
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x01": "home",
    "\x05": "end",
    "\x02": "left",
    "\x06": "right",
    "\x03": "ctrl-c",
    "\x04": "ctrl-d",
    "\x0b": "ctrl-k",
    "\x0c": "ctrl-l",
    "\x0e": "ctrl-n",
    "\x10": "ctrl-p",
    "\x15": "ctrl-u",
    "\x17": "ctrl-w",
}
_SEQUENCES = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "OA": "up",
    "OB": "down",
    "OC": "right",
    "OD": "left",
    "[H": "home",
    "[F": "end",
    "OH": "home",
    "OF": "end",
    "[1~": "home",
    "[4~": "end",
    "[7~": "home",
    "[8~": "end",
    "[3~": "delete",
    "[5~": "page-up",
    "[6~": "page-down",
    "[Z": "shift-tab",
}
_SEQUENCE = re.compile(r"\[[0-9;?<>=]*[@-~]|O[@-~]")
_UNFINISHED = re.compile(r"(\[[0-9;?<>=]{0,30}|O)?$")
_PASTE, _PASTED = "[200~", "\x1b[201~"


@frozen
class Text:
    """Characters, typed or pasted; lines are parted by \\n."""

    text: str


@frozen
class Press:
    """A key that is no character, by its name."""

    name: str


Key: TypeAlias = Text | Press


class Keys:
    """Reads keys as they come in, in pieces of any size."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._pasting = False
        self._last = ""

    @property
    def is_waiting(self) -> bool:
        """Whether an escape may be the key itself, or the beginning of more."""
        return self._rest == ESCAPE and not self._pasting

    def feed(self, data: bytes) -> list[Key]:
        self._rest += self._decoder.decode(data)
        return list(self._read())

    def flush(self) -> list[Key]:
        """Nothing more has come for a moment: an escape was the key itself."""
        if self.is_waiting:
            self._rest = ""
            return [Press("esc")]
        return []

    def _read(self) -> Iterator[Key]:
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
                yield from self._typed()

    def _typed(self) -> Iterator[Key]:
        name = _CONTROLS.get(self._rest[0])
        if name is not None:
            self._rest = self._rest[1:]
            yield Press(name)
            return
        end = next(
            (
                place
                for place, char in enumerate(self._rest)
                if char in _CONTROLS or char == ESCAPE
            ),
            len(self._rest),
        )
        typed, self._rest = self._rest[:end], self._rest[end:]
        if kept := "".join(filter(_is_text, typed)):
            yield Text(kept)

    def _sequence(self, found: re.Match[str] | None) -> Iterator[Key]:
        if found is None:  # an escape before something else
            self._rest = self._rest[1:]
            yield Press("esc")
            return
        self._rest = self._rest[found.end() :]
        self._pasting = found[0] == _PASTE
        if found[0] in _SEQUENCES:
            yield Press(_SEQUENCES[found[0]])

    def _paste(self) -> Generator[Key, None, bool]:
        """What is pasted is text, whatever it contains; true once it has ended."""
        pasted, end, rest = self._rest.partition(_PASTED)
        keep = 0 if end else min(len(pasted), len(_PASTED) - 1)
        shown = pasted[: len(pasted) - keep]
        self._rest = rest if end else pasted[len(pasted) - keep :]
        self._pasting = not end
        if kept := "".join(self._lines(shown)):
            yield Text(kept)
        return bool(end)

    def _lines(self, pasted: str) -> Iterator[str]:
        for char in pasted:
            if char == "\r" or (char == "\n" and self._last != "\r"):
                yield "\n"
            elif char == "\t":
                yield " "
            elif _is_text(char):
                yield char
            self._last = char


def _is_text(char: str) -> bool:
    return unicodedata.category(char) != "Cc"
