"""The line that is being written."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import evolve, frozen
from wcwidth import grapheme_boundary_before, iter_graphemes

from chatproto.client.terminal.keys import Key, Text


@frozen
class Editor:
    """A text, and where in it the cursor is.

    `at` counts code points; the cursor goes by what looks like one character.
    """

    text: str = ""
    at: int = 0

    @classmethod
    def of(cls, text: str) -> Editor:
        return cls(text, len(text))

    def pressed(self, key: Key) -> Editor:
        """After a key; one that means nothing here changes nothing."""
        if isinstance(key, Text):
            text = self.text[: self.at] + key.text + self.text[self.at :]
            return Editor(text, self.at + len(key.text))
        action = _ACTIONS.get(key.name)
        return self if action is None else action(self)

    def without(self, start: int, end: int) -> Editor:
        return Editor(self.text[:start] + self.text[end:], start)

    @property
    def before(self) -> int:
        """Where the character before the cursor begins."""
        return grapheme_boundary_before(self.text, self.at) if self.at else 0

    @property
    def after(self) -> int:
        """Where the character after the cursor ends."""
        return self.at + len(next(iter_graphemes(self.text[self.at :]), ""))

    @property
    def word_start(self) -> int:
        place = len(self.text[: self.at].rstrip())
        while place and not self.text[place - 1].isspace():
            place -= 1
        return place


_ACTIONS: Mapping[str, Callable[[Editor], Editor]] = {
    "left": lambda e: evolve(e, at=e.before),
    "right": lambda e: evolve(e, at=e.after),
    "home": lambda e: evolve(e, at=0),
    "end": lambda e: evolve(e, at=len(e.text)),
    "backspace": lambda e: e.without(e.before, e.at),
    "delete": lambda e: e.without(e.at, e.after),
    "ctrl-u": lambda e: e.without(0, e.at),
    "ctrl-k": lambda e: e.without(e.at, len(e.text)),
    "ctrl-w": lambda e: e.without(e.word_start, e.at),
}
