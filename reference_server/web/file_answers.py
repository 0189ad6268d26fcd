"""How files are given out: names, types, ranges, so that no browser runs them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias
from urllib.parse import quote

from attrs import frozen

from chatproto.errors import MatrixError
from reference_server.web.answers import error_body, error_headers

Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\"\\/\u202a-\u202e\u2066-\u2069]")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

_FIXED = {
    # The specification's own, without what browsers no longer know.
    "Content-Security-Policy": "sandbox; default-src 'none'; script-src 'none'; "
    "style-src 'unsafe-inline'; media-src 'self'; object-src 'self'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=31536000, immutable",
    "Accept-Ranges": "bytes",
}


@frozen(kw_only=True)
class File:
    """What is given out: `size` bytes, which never change under this `tag`."""

    tag: str
    size: int
    content_type: str
    inline: bool
    name: str | None
    read: Callable[[int, int], AsyncGenerator[bytes]]


def safe_name(name: str) -> str:
    """A file name without folders, control characters and turns of direction."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    return _UNSAFE.sub("_", base).strip(". ")[:200] or "file"


def disposition(name: str | None, *, inline: bool) -> str:
    kind = "inline" if inline else "attachment"
    if not name:
        return kind
    safe = safe_name(name)
    if safe.isascii() and "%" not in safe:
        return f'{kind}; filename="{safe}"'
    return f"{kind}; filename*=UTF-8''{quote(safe, safe='')}"


def chosen_range(header: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last; None if it asks for none or several.

    Raises ValueError if the file has no such bytes. RFC 9110, 14.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start = int(first)
        end = min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None  # not a range at all, so it is as if it were not there
    if start >= end:
        raise ValueError("the file ends before")
    return start, end


async def send_file(file: File, headers: dict[bytes, bytes], send: Send) -> None:
    """Answer a GET, whole or in part or that nothing has changed."""
    tag = f'"{file.tag}"'
    fixed = {**_FIXED, "ETag": tag}
    if names_tag(headers.get(b"if-none-match", b""), tag):
        await send(_start(304, fixed))
        await send(_part(b"", more=False))
        return
    start, end, status = 0, file.size, 200
    if headers.get(b"if-range", tag.encode()) == tag.encode():
        try:
            part = chosen_range(headers.get(b"range", b"").decode("latin-1"), file.size)
        except ValueError:
            await _send_no_range(send, file.size)
            return
        if part is not None:
            (start, end), status = part, 206
            fixed["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    described = {
        "Content-Type": file.content_type,
        "Content-Length": str(end - start),
        "Content-Disposition": disposition(file.name, inline=file.inline),
    }
    await send(_start(status, fixed | described))
    if end > start:
        async with aclosing(file.read(start, end)) as chunks:
            async for chunk in chunks:
                await send(_part(chunk, more=True))
    await send(_part(b"", more=False))


def names_tag(header: bytes, tag: str) -> bool:
    """Whether an If-None-Match has a tag among those that it names."""
    told = {
        each.strip().removeprefix("W/") for each in header.decode("latin-1").split(",")
    }
    return tag in told or "*" in told


async def _send_no_range(send: Send, size: int) -> None:
    error = MatrixError("M_INVALID_PARAM", "the file has no such bytes", status=416)
    body = error_body(error)
    headers = error_headers(error)
    headers.append((b"content-range", f"bytes */{size}".encode()))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 416, "headers": headers})
    await send(_part(body, more=False))


def _start(status: int, headers: dict[str, str]) -> dict[str, Any]:
    encoded = [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": encoded}


def _part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}
