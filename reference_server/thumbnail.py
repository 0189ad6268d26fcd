"""Small versions of pictures, made of bytes that nobody has checked.

What a picture would cost is read from its header before anything of it is decoded.
Metadata (places, cameras, embedded previews) do not survive.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from attrs import frozen
from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from chatproto.errors import MatrixError
from reference_server.file_types import picture_type
from reference_server.thumbnail_sizes import NoPicture, Size, Wanted

MAX_PIXELS = 40_000_000
MAX_WEBP_PIXELS = 16_000_000  # its decoder takes four times the memory of others
MAX_FRAMES = 100
MAX_MOVING_PIXELS = 40_000_000  # of all frames together
MAX_SCANS = 100
MIN_FRAME_MS = 20
_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)  # width and height change places


def make_thumbnail(data: bytes, wanted: Wanted) -> bytes:
    """A PNG or JPEG, or a WebP that moves. It blocks, so call it in a thread.

    Raises NoPicture, and MatrixError M_TOO_LARGE for a picture of too many pixels.
    """
    try:
        with _opened(data) as image:
            moving = _moving(image, wanted) if wanted.animated else None
        if moving is not None:
            return moving
        with _opened(data) as image:
            return _still(image, wanted)
    except MatrixError:
        raise
    except Exception as error:  # whatever its readers stumble over
        raise NoPicture from error


_READERS: dict[str, Any] = {
    "image/png": PngImagePlugin.PngImageFile,
    "image/jpeg": JpegImagePlugin.JpegImageFile,
    "image/gif": GifImagePlugin.GifImageFile,
    "image/webp": WebPImagePlugin.WebPImageFile,
}


def _opened(data: bytes) -> Any:
    reader = _READERS.get(picture_type(data) or "")
    if reader is None:
        raise NoPicture
    if reader is WebPImagePlugin.WebPImageFile:
        # Its reader makes room for all of it at once.
        _check_pixels(webp_size(data), MAX_WEBP_PIXELS)
    if reader is _READERS["image/jpeg"] and data.count(b"\xff\xda") > MAX_SCANS:
        raise _too_large()
    image = reader(BytesIO(data))
    _check_pixels(image.size)
    return image


def webp_size(data: bytes) -> Size:
    """The size of a WebP picture by its header. Raises NoPicture."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise NoPicture
    if kind == b"VP8X":
        width = int.from_bytes(body[4:7], "little") + 1
        return width, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width = int.from_bytes(body[6:8], "little") & 0x3FFF
        return width, int.from_bytes(body[8:10], "little") & 0x3FFF
    raise NoPicture


def _check_pixels(size: Size, most: int = MAX_PIXELS) -> None:
    if size[0] * size[1] > most:
        raise _too_large()


def _too_large() -> MatrixError:
    return MatrixError("M_TOO_LARGE", "the picture is too large for a thumbnail")


def _still(image: Any, wanted: Wanted) -> bytes:
    orientation = _orientation(image)
    fitted = _Fit.of(image.size, wanted, turned=orientation in _TURNED)
    if image.format == "JPEG":
        # Most of a large photograph need not even be decoded.
        image.draft(image.mode, fitted.scaled)
    small = fitted.apply(_plain(image))
    turns = _TURNS.get(orientation)
    if turns is not None:
        small = small.transpose(turns)
    return _encoded(small)


def _orientation(image: Any) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  # a picture is shown, whatever its notes are
        return 1


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@frozen
class _Fit:
    """How to get from a picture to its thumbnail, both as they lie in the file."""

    scaled: Size  # what all of the picture becomes
    kept: Size  # the middle of it that is kept

    @classmethod
    def of(cls, size: Size, wanted: Wanted, *, turned: bool = False) -> _Fit:
        width, height = size
        box = (wanted.width, wanted.height)
        if turned:
            box = (wanted.height, wanted.width)
        factors = (box[0] / width, box[1] / height)
        crop = wanted.method == "crop"
        # Nothing is ever made larger than it is.
        factor = min(1.0, max(factors) if crop else min(factors))
        scaled = (max(1, round(width * factor)), max(1, round(height * factor)))
        kept = (min(scaled[0], box[0]), min(scaled[1], box[1])) if crop else scaled
        return cls(scaled, kept)

    def apply(self, image: Image.Image) -> Image.Image:
        if image.size != self.scaled:
            image = image.resize(
                self.scaled, Image.Resampling.BICUBIC, reducing_gap=2.0
            )
        if self.kept == self.scaled:
            return image
        left = (self.scaled[0] - self.kept[0]) // 2
        top = (self.scaled[1] - self.kept[1]) // 2
        return image.crop((left, top, left + self.kept[0], top + self.kept[1]))


def _plain(image: Any) -> Image.Image:
    """The picture in colors that can be mixed."""
    if image.mode in ("RGB", "RGBA", "L"):
        return image  # type: ignore[no-any-return]
    if image.mode.startswith("I"):  # 16 bits for each pixel
        return image.convert("I").point(lambda v: v * (1 / 256)).convert("L")  # type: ignore[no-any-return]
    transparent = "transparency" in image.info or image.mode in (
        "LA",
        "PA",
        "La",
        "RGBa",
    )
    return image.convert("RGBA" if transparent else "RGB")  # type: ignore[no-any-return]


def _encoded(image: Image.Image) -> bytes:
    out = BytesIO()
    if image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255):
        _without_notes(image).save(out, "PNG", compress_level=6)
    else:
        _without_notes(image.convert("RGB")).save(out, "JPEG", quality=82)
    return out.getvalue()


def _without_notes(image: Image.Image) -> Image.Image:
    image.info = {}
    return image


def _moving(image: Any, wanted: Wanted) -> bytes | None:
    """None for what does not move, or for too long."""
    most = min(MAX_FRAMES, MAX_MOVING_PIXELS // (image.size[0] * image.size[1]))
    if most < 2:
        return None
    fitted = _Fit.of(image.size, wanted)
    frames, durations = [], []
    for frame in _frames(image, most + 1):
        # How long it is shown is known once it has been decoded.
        frames.append(_without_notes(fitted.apply(frame.convert("RGBA"))))
        durations.append(max(MIN_FRAME_MS, int(frame.info.get("duration") or 100)))
    if not 1 < len(frames) <= most:
        return None
    out = BytesIO()
    frames[0].save(
        out,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=min(65_535, max(0, int(image.info.get("loop", 1)))),
        quality=70,
        method=1,
    )
    return out.getvalue()


def _frames(image: Any, most: int) -> Iterator[Any]:
    # Nobody asks how many there are: to count them may take longer than to draw some.
    for number in range(most):
        try:
            image.seek(number)
        except EOFError:
            return
        _check_pixels(image.size)
        yield image
