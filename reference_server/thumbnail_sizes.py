"""Which small versions of pictures there are."""

from __future__ import annotations

import math
from typing import TypeAlias

from attrs import frozen

from chatproto.errors import MatrixError

Size: TypeAlias = tuple[int, int]

MAX_BYTES = 32 * 1024 * 1024  # of the file that one is made of
MAX_MOVING_SIDE = 640

# Everything else is answered with one of these, so a file has few versions at most.
SCALED: tuple[Size, ...] = ((320, 240), (640, 480), (800, 600), (1600, 1200))
CROPPED: tuple[Size, ...] = (
    *((side, side) for side in (32, 96, 192, 320, 640)),
    *((320, 240), (240, 320), (640, 480), (480, 640)),
)


@frozen
class Wanted:
    """A kind of thumbnail: its size in pixels, how it is fitted, whether it moves."""

    width: int
    height: int
    method: str = "scale"
    animated: bool = False

    @property
    def name(self) -> str:
        moving = "-moving" if self.animated else ""
        return f"{self.method}-{self.width}-{self.height}{moving}"


class NoPicture(MatrixError):  # noqa: N818  # it is no mistake
    """There is nothing in the bytes that could be made smaller."""

    def __init__(self) -> None:
        super().__init__("M_UNKNOWN", "no thumbnail can be made of this file")


def nearest(width: int, height: int, method: str, *, animated: bool = False) -> Wanted:
    """The kept kind that is at least as large as asked for, else the largest.

    Raises MatrixError.
    """
    if method not in ("scale", "crop"):
        raise MatrixError("M_INVALID_PARAM", "method is scale or crop")
    if width < 1 or height < 1:
        raise MatrixError("M_INVALID_PARAM", "width and height are 1 or more")
    sizes = SCALED if method == "scale" else CROPPED
    if animated:
        sizes = tuple(size for size in sizes if max(size) <= MAX_MOVING_SIDE)
    enough = [size for size in sizes if size[0] >= width and size[1] >= height]
    if not enough:
        most = max(w * h for w, h in sizes)
        enough = [size for size in sizes if size[0] * size[1] >= most * 0.7]

    def unlike(size: Size) -> tuple[float, int]:
        shape = abs(math.log(size[0] / size[1]) - math.log(width / height))
        return (round(shape, 2) if method == "crop" else 0), size[0] * size[1]

    return Wanted(*min(enough, key=unlike), method, animated)
