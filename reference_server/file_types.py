"""What a file is: by what was said, and by how it begins."""

from __future__ import annotations

import re

OCTETS = "application/octet-stream"
HEAD_BYTES = 64

# The specification's list of what is safe to be shown in place.
_INLINE = frozenset(
    (
        "text/css",
        "text/plain",
        "text/csv",
        "application/json",
        "application/ld+json",
        "image/jpeg",
        "image/gif",
        "image/png",
        "image/apng",
        "image/webp",
        "image/avif",
        "video/mp4",
        "video/webm",
        "video/ogg",
        "video/quicktime",
        "audio/mp4",
        "audio/webm",
        "audio/aac",
        "audio/mpeg",
        "audio/ogg",
        "audio/wave",
        "audio/wav",
        "audio/x-wav",
        "audio/x-pn-wav",
        "audio/flac",
        "audio/x-flac",
    ),
)
# What browsers, or programs that come with them, would run.
_ACTIVE = re.compile(
    r"html|xml|svg|xsl|script|java|flash|wasm|hta\b|multipart|rfc822|component|manifest"
)
_DECLARED = re.compile(
    r"([a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80})(?=\s*(?:;|$))"
    r"(?:\s*;\s*charset=\"?([a-z0-9_-]{1,40})\"?)?"
)

_PNG = rb"\x89PNG\r\n\x1a\n"
_MP4 = rb".{4}ftyp"
_OGG = rb"OggS"
_WEBM = rb"\x1a\x45\xdf\xa3"
_WAV = rb"RIFF.{4}WAVE"
_MPEG = rb"ID3|\xff[\xe0-\xff]"
_FLAC = rb"ID3|fLaC"
_BEGINNINGS = {
    kind: re.compile(pattern, re.DOTALL)
    for kind, pattern in {
        "image/jpeg": rb"\xff\xd8\xff",
        "image/gif": rb"GIF8[79]a",
        "image/png": _PNG,
        "image/apng": _PNG,
        "image/webp": rb"RIFF.{4}WEBP",
        "image/avif": rb".{4}ftyp.{0,40}avi[fs]",
        "video/mp4": _MP4,
        "video/webm": _WEBM,
        "video/ogg": _OGG,
        "video/quicktime": rb".{4}(?:ftyp|moov|mdat|wide|free|skip)",
        "audio/mp4": _MP4,
        "audio/webm": _WEBM,
        "audio/aac": rb"ID3|ADIF|\xff[\xf0\xf1\xf8\xf9]",
        "audio/mpeg": _MPEG,
        "audio/ogg": _OGG,
        "audio/wave": _WAV,
        "audio/wav": _WAV,
        "audio/x-wav": _WAV,
        "audio/x-pn-wav": _WAV,
        "audio/flac": _FLAC,
        "audio/x-flac": _FLAC,
    }.items()
}
_PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")


def declared_type(header: str) -> str:
    """The type of a Content-Type header, with no parameter but its charset."""
    found = _DECLARED.match(header.strip().lower())
    if found is None:
        return OCTETS
    kind, charset = found.groups()
    return f"{kind}; charset={charset}" if charset else str(kind)


def served_type(declared: str, head: bytes) -> tuple[str, bool]:
    """The type under which a file is given out, and whether it is shown in place.

    `head` is how the file begins: what is not what it says is bytes to be saved.
    """
    kind = declared.partition(";")[0].strip()
    if _ACTIVE.search(kind):
        return OCTETS, False
    if kind not in _INLINE:
        return declared, False
    beginning = _BEGINNINGS.get(kind)
    if beginning is not None:
        return (kind, True) if beginning.match(head) else (OCTETS, False)
    if kind.startswith("text/") and "charset=" not in declared:
        return f"{declared}; charset=utf-8", True
    return declared, True


def picture_type(data: bytes) -> str | None:
    """The type of a picture of which thumbnails are made, by its beginning."""
    head = data[:HEAD_BYTES]
    found = (kind for kind in _PICTURES if _BEGINNINGS[kind].match(head))
    return next(found, None)
