"""Text of others on a terminal: harmless, and as wide as it looks.

What looks like one character (a grapheme: an accented letter, a family of emoji) is
never taken apart. Everything here takes time in proportion to the text, for others
choose how long their texts are.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from wcwidth import iter_graphemes, iter_graphemes_reverse, wcswidth, wcwidth

# Controls would steer the terminal, formats turn the direction of writing, surrogates
# cannot be written at all.
_DROPPED = ("Cc", "Cf", "Cs")
_BREAKS = "\n\r\t\v\f\u0085\u2028\u2029"
_JOINER = "\u200d"  # holds emoji together
_STACKED = 8  # marks on one character; a pile of more is drawn over other lines
_UNSAFE_IN_JSON = re.compile(r"[^\n\x20-\x7e]")


def clean(text: str) -> str:
    """One line without anything that a terminal would act on."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_unpiled(_harmless(text)))


def clean_lines(text: str, most: int = 1_000) -> list[str]:
    """The same, line by line; of more than `most` lines, those at the end are left out."""
    lines = [clean(line) for line in text.splitlines()[:most]] or [""]
    return lines if len(lines) < most else [*lines, "…"]


def clean_json(value: Any, *, indent: int | None = None) -> str:
    """JSON that shows letters as they are, and escapes what a terminal would act on."""
    shown = json.dumps(value, ensure_ascii=False, indent=indent)
    return _UNSAFE_IN_JSON.sub(lambda found: _escaped(found[0]), shown)


def width(text: str) -> int:
    """How many cells a clean text takes."""
    return sum(_width(grapheme) for grapheme in iter_graphemes(text))


def cut(text: str, cells: int) -> str:
    """The beginning of a clean text, with an ellipsis if that is not all."""
    if len(beginning(text, cells)) == len(text):
        return text
    return beginning(text, cells - 1) + "…" if cells > 0 else ""


def padded(text: str, cells: int) -> str:
    """A clean text, cut or filled up to so many cells."""
    shown = cut(text, cells)
    return shown + " " * (cells - width(shown))


def beginning(text: str, cells: int) -> str:
    """As much of a clean text as fits, from its first character on."""
    return text[: _fitting(iter_graphemes(text), cells)]


def ending(text: str, cells: int) -> str:
    """As much of a clean text as fits, up to its last character."""
    return text[len(text) - _fitting(iter_graphemes_reverse(text), cells) :]


def wrapped(text: str, cells: int) -> list[str]:
    """A clean text as lines, broken between words where they fit."""
    lines: list[str] = []
    line: list[str] = []
    taken = 0
    for grapheme in iter_graphemes(text):
        wide = _width(grapheme)
        if line and taken + wide > cells:
            done, line = _broken(line, grapheme)
            lines.append("".join(done).rstrip(" "))
            taken = sum(map(_width, line))
        if line or not lines or grapheme != " ":
            line.append(grapheme)
            taken += wide
    return [*lines, "".join(line)] if line or not lines else lines


def _broken(line: list[str], following: str) -> tuple[list[str], list[str]]:
    """A full line, and what of it goes to the next one: a word that has just begun."""
    if following == " " or " " not in line:
        return line, []
    space = len(line) - 1 - line[::-1].index(" ")
    return (line[:space], line[space + 1 :]) if space else (line, [])


def _harmless(text: str) -> Iterator[str]:
    for char in text:
        if char in _BREAKS:
            yield " "
        elif char == _JOINER or unicodedata.category(char) not in _DROPPED:
            yield char


def _unpiled(chars: Iterator[str]) -> Iterator[str]:
    marks = 0
    for char in chars:
        marks = 0 if wcwidth(char) else marks + 1
        if marks <= _STACKED:
            yield char


def _fitting(graphemes: Iterator[str], cells: int) -> int:
    """The length of those that fit."""
    length = taken = 0
    for grapheme in graphemes:
        taken += _width(grapheme)
        if taken > cells:
            break
        length += len(grapheme)
    return length


def _width(grapheme: str) -> int:
    return max(0, wcswidth(grapheme))


def _escaped(char: str) -> str:
    if unicodedata.category(char) not in (*_DROPPED, "Zl", "Zp"):
        return char
    return json.dumps(char)[1:-1]
