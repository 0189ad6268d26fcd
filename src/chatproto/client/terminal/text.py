"""Text of others on a terminal: harmless, and as wide as it looks."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from wcwidth import wcwidth

# Controls would steer the terminal, formats turn the direction of writing, surrogates
# cannot be written at all.
_DROPPED = ("Cc", "Cf", "Cs")
_BREAKS = "\n\r\t\v\f\u0085\u2028\u2029"
_JOINER = "\u200d"  # holds emoji together


def clean(text: str) -> str:
    """One line without anything that a terminal would act on."""
    return "".join(_cleaned(text))


def clean_lines(text: str) -> list[str]:
    """The same, line by line."""
    return [clean(line) for line in text.splitlines()] or [""]


def _cleaned(text: str) -> Iterator[str]:
    for char in text:
        if char in _BREAKS:
            yield " "
        elif char == _JOINER or unicodedata.category(char) not in _DROPPED:
            yield char


def width(text: str) -> int:
    """How many cells a clean text takes."""
    return sum(max(0, wcwidth(char)) for char in text)


def cut(text: str, cells: int) -> str:
    """The beginning of a clean text, with an ellipsis if that is not all."""
    if width(text) <= cells:
        return text
    return _beginning(text, cells - 1) + "…" if cells > 0 else ""


def padded(text: str, cells: int) -> str:
    """A clean text, cut or filled up to so many cells."""
    shown = cut(text, cells)
    return shown + " " * (cells - width(shown))


def wrapped(text: str, cells: int) -> list[str]:
    """A clean text as lines, broken between words where they fit."""
    lines, rest = [], text
    while width(rest) > cells:
        part = _beginning(rest, cells) or rest[0]  # one wide character in one cell
        space = part.rfind(" ")
        if space > 0 and rest[len(part) : len(part) + 1] != " ":
            part = part[:space]
        lines.append(part.rstrip(" "))
        rest = rest[len(part) :].lstrip(" ")
    return [*lines, rest] if rest or not lines else lines


def _beginning(text: str, cells: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += max(0, wcwidth(char))
        if taken > cells:
            return text[:index]
    return text
