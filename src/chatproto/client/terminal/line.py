"""A line on the screen: clean texts, each in a style of our own."""

from __future__ import annotations

from zlib import crc32

from attrs import frozen

from chatproto.client.terminal.text import cut, width

PLAIN, BOLD, DIM, REVERSE = "", "\x1b[1m", "\x1b[2m", "\x1b[7m"
RED = "\x1b[31m"
END = "\x1b[0m"
_COLORS = tuple(f"\x1b[1;{number}m" for number in (32, 33, 34, 35, 36))


@frozen
class Line:
    """`spans` are styles and texts; `key` says of which row of a chat the line is."""

    spans: tuple[tuple[str, str], ...] = ()
    key: str = ""

    @classmethod
    def of(cls, text: str, style: str = PLAIN) -> Line:
        return cls(((style, text),))

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.spans)

    def drawn(self, cells: int) -> str:
        """As it goes to a terminal, cut or filled up to so many cells."""
        parts: list[str] = []
        left = cells
        for style, text in self.spans:
            shown = cut(text, left)
            left -= width(shown)
            parts.append(styled(shown, style))
            if shown != text:
                break
        return "".join([*parts, " " * left])


def styled(text: str, style: str) -> str:
    return f"{style}{text}{END}" if style and text else text


def color_of(name: str) -> str:
    """The same for the same name everywhere and always."""
    return _COLORS[crc32(name.encode("utf-8", "replace")) % len(_COLORS)]
