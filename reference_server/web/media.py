"""Files: taken as they stream in, given out so that no browser runs them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from chatproto.canonical import dumps
from chatproto.decisions import Caller, Decision, Find, Put
from chatproto.errors import MatrixError
from chatproto.ids import MxcUri
from chatproto.operations.media import DOWNLOAD, DOWNLOAD_NAMED, UPLOAD, Uploaded
from chatproto.ports import MediaStore
from chatproto.server.engine import Engine
from chatproto.server.tokens import make_token
from chatproto.wire.http import Router
from reference_server.web.http import bearer_token

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\"\\/\u202a-\u202e\u2066-\u2069]")
# Shown in place by browsers without running anything; all else is saved.
_INLINE = frozenset(
    (
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "audio/mpeg",
        "audio/ogg",
        "audio/mp4",
        "audio/webm",
        "video/mp4",
        "video/webm",
        "text/plain",
    ),
)
_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,80}")
ROUTES = (UPLOAD, DOWNLOAD, DOWNLOAD_NAMED)


class MediaApp:
    """An ASGI callable for the hand-written routes of files."""

    def __init__(self, engine: Engine, store: MediaStore, router: Router) -> None:
        self._engine = engine
        self._store = store
        self._router = router

    def matches(self, scope: dict[str, Any]) -> bool:
        path = scope.get("raw_path", b"").decode("ascii", "replace").partition("?")[0]
        if "/media/" not in path or scope["type"] != "http":
            return False
        try:
            operation, _ = self._router.match(scope["method"], path)
        except MatrixError:
            return False
        return operation in ROUTES

    async def __call__(
        self, scope: dict[str, Any], receive: Receive, send: Send
    ) -> None:
        try:
            await self._answer(scope, receive, send)
        except MatrixError as error:
            await _send_json(send, error.to_json(), error.status)

    async def _answer(
        self, scope: dict[str, Any], receive: Receive, send: Send
    ) -> None:
        path = scope["raw_path"].decode("ascii").partition("?")[0]
        operation, fields = self._router.match(scope["method"], path)
        headers = {name.lower(): value for name, value in scope["headers"]}
        token = bearer_token(headers.get(b"authorization", b"").decode("latin-1"))
        if token is None:
            raise MatrixError("M_MISSING_TOKEN", "this call needs an access token")
        caller = await self._engine.authenticate(token)
        if operation is UPLOAD:
            uploaded = await self._upload(scope, headers, receive, caller)
            await _send_json(send, {"content_uri": uploaded.content_uri}, 200)
        else:
            await self._download(fields, send)

    async def _upload(
        self,
        scope: dict[str, Any],
        headers: dict[bytes, bytes],
        receive: Receive,
        caller: Caller,
    ) -> Uploaded:
        engine = self._engine
        engine.limits.take(UPLOAD.rate, caller.user, engine.clock.monotonic())
        limit = engine.settings.upload_bytes
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        media_id = make_token("", engine.random(18))
        body = _limited(_body(receive), limit)
        size = await self._store.put(media_id, body)
        row = {
            "media_id": media_id,
            "user_id": caller.user,
            "content_type": _content_type(headers.get(b"content-type", b"")),
            "name": _file_name(scope),
            "size": size,
            "created_ts": engine.clock.now_ms(),
        }
        await engine.commit(caller, Decision(writes=(Put(table="media", row=row),)))
        uri = f"mxc://{engine.server}/{media_id}"
        return Uploaded(content_uri=MxcUri(uri))

    async def _download(self, fields: dict[str, str], send: Send) -> None:
        media_id = fields["media_id"]
        rows = await self._engine.store.find(
            Find(table="media", where={"media_id": media_id}),
        )
        if fields["origin"] != self._engine.server or not rows:
            raise MatrixError("M_NOT_FOUND", "there is no such file here")
        row = rows[0]
        name = fields.get("filename") or row["name"]
        kind = row["content_type"]
        inline = kind.partition(";")[0] in _INLINE
        headers = {
            "Content-Type": kind if inline else "application/octet-stream",
            "Content-Length": str(row["size"]),
            "Content-Disposition": _disposition(name, inline=inline),
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=31536000, immutable",
        }
        encoded = [
            (k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()
        ]
        start = {"type": "http.response.start", "status": 200, "headers": encoded}
        await send(start)
        async for chunk in self._store.get(media_id):
            more = {"type": "http.response.body", "body": chunk, "more_body": True}
            await send(more)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MatrixError("M_UNKNOWN", "the upload was broken off")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _limited(body: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> MatrixError:
    return MatrixError("M_TOO_LARGE", f"a file has at most {limit} bytes")


def _content_type(header: bytes) -> str:
    kind = header.decode("latin-1").partition(";")[0].strip().lower()
    return kind if _TYPE.fullmatch(kind) else "application/octet-stream"


def _file_name(scope: dict[str, Any]) -> str | None:
    query = parse_qs(scope.get("query_string", b"").decode("ascii", "replace"))
    return safe_name(query["filename"][0]) if query.get("filename") else None


def safe_name(name: str) -> str:
    """A file name without folders, control characters and turns of direction."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    return _UNSAFE.sub("_", base).strip(". ")[:200] or "file"


def _disposition(name: str | None, *, inline: bool) -> str:
    kind = "inline" if inline else "attachment"
    if not name:
        return kind
    return f"{kind}; filename*=UTF-8''{quote(safe_name(unquote(name)), safe='')}"


async def _send_json(send: Send, json: dict[str, Any], status: int) -> None:
    body = dumps(json)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
