"""Real files of each kind, made when they are needed."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image, PngImagePlugin

RED, GREEN, BLUE = (200, 0, 0), (0, 160, 0), (0, 0, 200)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><title>x</title><script>alert(1)</script>"
ORIENTATION, MAKE = 0x0112, 0x010F


def encoded(image, kind, **options):
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def halves(width=400, height=200, left=RED, right=BLUE, mode="RGB"):
    """A picture whose left half is of one color, and its right half of another."""
    image = Image.new("RGB", (width, height), left)
    image.paste(right, (width // 2, 0, width, height))
    return image.convert(mode)


def png(*size, **options):
    return encoded(halves(*size), "PNG", **options)


def jpeg(*size, orientation=None, make=None, **options):
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    if make is not None:
        exif[MAKE] = make
    return encoded(halves(*size), "JPEG", exif=exif, **options)


def moving(kind, size=(400, 200), count=3, **options):
    frames = [halves(*size, left=(80 * n % 256, n // 3 % 256, 0)) for n in range(count)]
    options = {"duration": 70, "loop": 0, **options}
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)


def with_notes():
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "taken at home")
    return png(400, 200, pnginfo=notes)


def png_of_size(width, height, rows=1):
    """A PNG file that says it is so large, with few bytes behind it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * ((1 + 3 * width) * rows))
    chunks = [(b"IHDR", head), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body))
        + kind
        + body
        + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def gif_of_size(width, height):
    """A GIF file that says it is so large."""
    return b"GIF89a" + struct.pack("<HH", width, height) + moving("GIF")[10:]


def webp_of_size(width, height):
    """A WebP file whose header says it is so large."""
    data = bytearray(moving("WEBP"))
    data[24:27] = (width - 1).to_bytes(3, "little")
    data[27:30] = (height - 1).to_bytes(3, "little")
    return bytes(data)


def jpeg_of_scans(count):
    """A progressive JPEG that goes over its picture again and again."""
    data = jpeg(64, 64, progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


def opened(data):
    image = Image.open(BytesIO(data))
    image.load()
    return image


def colors(image):
    """The colors near the left, right, upper and lower edge, as names."""
    image = image.convert("RGB")
    width, height = image.size
    points = {
        "left": (2, height // 2),
        "right": (width - 3, height // 2),
        "top": (width // 2, 2),
        "bottom": (width // 2, height - 3),
    }
    return {where: named(image.getpixel(point)) for where, point in points.items()}


def named(color):
    known = {"red": RED, "green": GREEN, "blue": BLUE}
    return min(
        known,
        key=lambda name: sum(
            abs(a - b) for a, b in zip(known[name], color, strict=True)
        ),
    )
