"""The web client's files, as they are in the package; only these can be asked for."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

import trio
from attrs import define, field, frozen

from reference_server.web.file_answers import names_tag
from reference_server.web.preload import modules, with_links

Send = Callable[[dict[str, Any]], Awaitable[None]]

# The second is below what a chat beside another application answers anyway.
FOLDERS: Final = ("/ui/", "/_chatproto/ui/")
INDEX: Final = "index.html"
_AT_ROOT = {
    "favicon.ico": "icons/icon.svg",  # for what asks without having read the page
    "manifest.webmanifest": "manifest.webmanifest",
    "service-worker.js": "service-worker.js",
}
_FIRST_SCRIPT = "app/main.js"
# Addresses that begin so are no pages of the client, whoever answers them.
_RESERVED = frozenset({"_matrix", "_chatproto", ".well-known", "ui", *_AT_ROOT})

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_COMPRESSED = frozenset({".mp3", ".ogg", ".png", ".woff2"})

_SOURCES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    # The last is the client's own, without which no service worker is registered.
    "trusted-types lit-html dompurify chatproto 'allow-duplicates'",
)
POLICY: Final = "; ".join(_SOURCES)
_DENIED = ("camera", "display-capture", "geolocation", "payment", "usb")
_FIXED = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        ("microphone=(self)", *(f"{name}=()" for name in _DENIED))
    ),
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


@frozen
class _Content:
    plain: bytes
    packed: bytes | None
    tag: str


@define(eq=False)
class ClientFiles:
    """An ASGI application for the addresses of the client.

    `reserved` are first parts of paths that are not the client's, besides its own.
    """

    reserved: frozenset[str] = frozenset()
    root: Traversable = field(
        factory=lambda: resources.files("reference_server") / "ui"
    )
    files: dict[str, Traversable] = field(init=False)
    _kept: dict[str, _Content] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.files = {name: file for name, file in _walk(self.root) if _suffix(name)}

    def matches(self, scope: dict[str, Any]) -> bool:
        return scope["method"] in ("GET", "HEAD") and self._name(scope["path"]) != ""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        del receive
        name = self._name(scope["path"])
        if name not in self._kept:
            make = partial(self._make, name)
            self._kept[name] = await trio.to_thread.run_sync(make)
        await _answer(scope, name, self._kept[name], send)

    def _name(self, path: str) -> str:
        """Which file an address stands for; empty if for none."""
        for folder in FOLDERS:
            if path.startswith(folder):
                name = path.removeprefix(folder)
                return name if name in self.files else ""
        first, slash, _ = path.removeprefix("/").partition("/")
        name = INDEX
        if first in self.reserved | _RESERVED:
            name = "" if slash else _AT_ROOT.get(first, "")
        return name if name in self.files else ""

    def _make(self, name: str) -> _Content:
        plain = self.files[name].read_bytes()
        if name == INDEX:
            addresses = [FOLDERS[0] + n for n in modules(_FIRST_SCRIPT, self._text)]
            plain = with_links(plain.decode(), addresses).encode()
        packed = None
        if _suffix(name) not in _COMPRESSED:
            packed = gzip.compress(plain, mtime=0)
        return _Content(plain, packed, hashlib.sha256(plain).hexdigest()[:32])

    def _text(self, name: str) -> str | None:
        file = self.files.get(name)
        return None if file is None else file.read_text("utf-8")


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry


def _suffix(name: str) -> str:
    """The end of the name that says what is in it; empty if nobody knows."""
    suffix = name[name.rfind(".") :]
    return suffix if suffix in _TYPES else ""


async def _answer(
    scope: dict[str, Any], name: str, content: _Content, send: Send
) -> None:
    asked = {key: value.decode("latin-1") for key, value in scope["headers"]}
    body, tag, headers = content.plain, f'"{content.tag}"', dict(_FIXED)
    if content.packed is not None and _takes_gzip(asked.get(b"accept-encoding", "")):
        body, tag = content.packed, f'"{content.tag}-gzip"'
        headers["Content-Encoding"] = "gzip"
    headers["ETag"] = tag
    headers["Content-Type"] = _TYPES[_suffix(name)]
    headers["Content-Length"] = str(len(body))
    is_foreign = scope["path"].startswith(FOLDERS)
    headers["Cross-Origin-Resource-Policy"] = (
        "cross-origin" if is_foreign else "same-origin"
    )
    status = 200
    if names_tag(asked.get(b"if-none-match", "").encode("latin-1"), tag):
        status = 304
        for unsent in ("Content-Encoding", "Content-Length"):
            headers.pop(unsent, None)
    if status == 304 or scope["method"] == "HEAD":
        body = b""
    await send(_start(status, headers.items()))
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.split(","):
        coding, _, weight = each.replace(" ", "").lower().partition(";q=")
        if coding in ("gzip", "*"):
            return weight.strip("0.") != "" or not weight
    return False


def _start(status: int, headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    encoded = [
        (key.lower().encode(), value.encode("latin-1")) for key, value in headers
    ]
    return {"type": "http.response.start", "status": status, "headers": encoded}
