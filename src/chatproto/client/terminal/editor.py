"""The line that is being written."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import evolve, frozen


@frozen
class Editor:
    """A text, and where in it the cursor is, counted in characters."""

    text: str = ""
    at: int = 0

    @classmethod
    def of(cls, text: str) -> Editor:
        return cls(text, len(text))

    def pressed(self, key: str) -> Editor:
        """After a key; one that means nothing here changes nothing."""
        if len(key) == 1:
            return Editor(
                self.text[: self.at] + key + self.text[self.at :], self.at + 1
            )
        action = _ACTIONS.get(key)
        return self if action is None else action(self)

    def without(self, start: int, end: int) -> Editor:
        return Editor(self.text[:start] + self.text[end:], start)

    def word_start(self) -> int:
        before = self.text[: self.at].rstrip()
        return before.rfind(" ") + 1


def _backspace(editor: Editor) -> Editor:
    return editor.without(editor.at - 1, editor.at) if editor.at else editor


_ACTIONS: Mapping[str, Callable[[Editor], Editor]] = {
    "<left>": lambda e: evolve(e, at=max(0, e.at - 1)),
    "<right>": lambda e: evolve(e, at=min(len(e.text), e.at + 1)),
    "<home>": lambda e: evolve(e, at=0),
    "<end>": lambda e: evolve(e, at=len(e.text)),
    "<backspace>": _backspace,
    "<delete>": lambda e: evolve(e.without(e.at, e.at + 1), at=e.at),
    "<ctrl-u>": lambda e: e.without(0, e.at),
    "<ctrl-k>": lambda e: Editor(e.text[: e.at], e.at),
    "<ctrl-w>": lambda e: e.without(e.word_start(), e.at),
}
