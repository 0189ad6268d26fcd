"""Positions in what a server has stored, and in the history of a room."""

from __future__ import annotations

from attrs import frozen

from chatproto.errors import MatrixError


@frozen(order=True)
class Position:
    """How far a device has got: `pos` of what is stored, `eph` of what is not."""

    pos: int
    eph: int
    boot: str

    def __str__(self) -> str:
        return f"s{self.pos}_{self.eph}_{self.boot}"

    @classmethod
    def parse(cls, token: str) -> Position:
        """Read a position, also from the `pos` of sliding sync, which ends in a number.

        Raises MatrixError M_INVALID_PARAM.
        """
        parts = token[1:].split("_")
        if token[:1] == "s" and len(parts) in (3, 4):
            pos, eph, boot, number = (*parts, "0")[:4]
            counts = (pos, eph, number)
            if all(map(_is_count, counts)) and boot.isalnum():
                return cls(int(pos), int(eph), boot)
        raise MatrixError("M_INVALID_PARAM", f"{token[:60]!r} is not a position")


def history_token(seq: int) -> str:
    """The point in a room's history just after event `seq`."""
    return f"t{seq}"


def parse_history_token(token: str) -> int | Position:
    """Read `t<seq>`, or a position of the stream. Raises MatrixError."""
    if token[:1] == "t" and _is_count(token[1:]):
        return int(token[1:])
    return Position.parse(token)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 16
