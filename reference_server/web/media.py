"""The hand-written routes of files: bytes streamed in, and given out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import structlog
from attrs import frozen

from chatproto.canonical import JsonObject, dumps
from chatproto.decisions import Caller
from chatproto.errors import MatrixError
from chatproto.operations import media as ops
from chatproto.operations.declare import Operation
from chatproto.ports import MediaStore
from chatproto.server.engine import Engine
from chatproto.server.guests import require_open_to
from chatproto.wire.http import Router, decode_request
from reference_server.file_types import (
    HEAD_BYTES,
    declared_type,
    picture_type,
    served_type,
)
from reference_server.thumbnail_sizes import nearest
from reference_server.thumbnails import Thumbnails
from reference_server.uploads import Incoming, Uploads
from reference_server.web.answers import error_headers
from reference_server.web.file_answers import File, Send, safe_name, send_file
from reference_server.web.http import bearer_token, internal_error

if TYPE_CHECKING:
    from reference_server.previews import Previews

Receive = Callable[[], Awaitable[dict[str, Any]]]

_GIVEN_OUT = (ops.DOWNLOAD, ops.DOWNLOAD_NAMED, ops.GET_THUMBNAIL)
ROUTES = (ops.UPLOAD, ops.UPLOAD_ANNOUNCED, ops.GET_URL_PREVIEW, *_GIVEN_OUT)
_log = structlog.get_logger("chatproto.media")


@frozen
class Exchange:
    """One request, and the way to answer it."""

    scope: dict[str, Any]
    receive: Receive
    send: Send
    headers: dict[bytes, bytes]

    @property
    def path(self) -> str:
        raw: bytes = self.scope.get("raw_path", b"")
        return raw.decode("ascii", "replace").partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        text = self.scope.get("query_string", b"").decode("ascii", "replace")
        return parse_qsl(text, keep_blank_values=True)

    @property
    def address(self) -> str:
        return str((self.scope.get("client") or ("",))[0])

    async def answer(self, json: JsonObject) -> None:
        await _send_json(self.send, json, 200, [(b"content-type", b"application/json")])


class MediaApp:
    """An ASGI callable for the hand-written routes of files.

    `files` are what users upload, `made` what is made of them.
    """

    def __init__(
        self, engine: Engine, files: MediaStore, made: MediaStore, router: Router
    ) -> None:
        self._engine = engine
        self._files = files
        self._router = router
        self._uploads = Uploads(engine, files)
        self._thumbnails = Thumbnails(files, made)
        self._previews = _previews(engine, self._uploads)

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
        headers = {name.lower(): value for name, value in scope["headers"]}
        exchange = Exchange(scope, receive, send, headers)
        try:
            await self._answer(exchange)
        except MatrixError as error:
            await _send_error(send, error)
        except Exception as error:  # noqa: BLE001  # answered with 500, and logged
            _log.exception("a call failed", path=exchange.path)
            await _send_error(send, internal_error(error))

    async def _answer(self, exchange: Exchange) -> None:
        operation, fields = self._router.match(exchange.scope["method"], exchange.path)
        caller = await self._caller(exchange, operation)
        require_open_to(caller, operation)
        who = caller.user_id or caller.address
        self._engine.limits.take(operation.rate, who, self._engine.clock.monotonic())
        request: Any = decode_request(operation, fields, exchange.query, b"")
        match request:
            case ops.Upload():
                uri = await self._uploads.take(caller, _incoming(exchange, request))
                await exchange.answer({"content_uri": uri})
            case ops.UploadAnnounced(server_name=server, media_id=media_id):
                file = _incoming(exchange, request)
                await self._uploads.take_announced(caller, server, media_id, file)
                await exchange.answer({})
            case ops.GetUrlPreview():
                await exchange.answer(await self._preview(caller, request))
            case ops.GetThumbnail():
                await self._send(exchange, await self._thumbnail(request))
            case _:
                await self._send(exchange, await self._download(request))

    async def _caller(self, exchange: Exchange, operation: Operation) -> Caller:
        header = exchange.headers.get(b"authorization", b"").decode("latin-1")
        token = bearer_token(header)
        if token is not None:
            return await self._engine.authenticate(token, exchange.address)
        if operation in _GIVEN_OUT and exchange.path.startswith("/_matrix/media/"):
            if self._engine.settings.legacy_media:
                return Caller(address=exchange.address)
            raise MatrixError("M_NOT_FOUND", "files are given out with a token only")
        raise MatrixError("M_MISSING_TOKEN", "this call needs an access token")

    async def _send(self, exchange: Exchange, file: File) -> None:
        await send_file(file, exchange.headers, exchange.send)

    async def _download(self, request: ops.Download | ops.DownloadNamed) -> File:
        media_id = request.media_id
        row = await self._uploads.find(
            request.server_name, media_id, request.timeout_ms
        )
        head = b"".join([c async for c in self._files.get(media_id, 0, HEAD_BYTES)])
        kind, inline = served_type(row["content_type"], head)
        return File(
            tag=media_id,
            size=row["size"],
            content_type=kind,
            inline=inline,
            name=getattr(request, "file_name", None) or row["name"],
            read=partial(self._files.get, media_id),
        )

    async def _thumbnail(self, request: ops.GetThumbnail) -> File:
        wanted = nearest(
            request.width, request.height, request.method, animated=request.animated
        )
        media_id = request.media_id
        await self._uploads.find(request.server_name, media_id, request.timeout_ms)
        data = await self._thumbnails.get(media_id, wanted)
        kind = picture_type(data) or ""
        return File(
            tag=f"{media_id}-{wanted.name}",
            size=len(data),
            content_type=kind,
            inline=True,
            name=f"thumbnail.{kind.removeprefix('image/')}",
            read=partial(_slice, data),
        )

    async def _preview(self, caller: Caller, request: ops.GetUrlPreview) -> JsonObject:
        if self._previews is None:
            raise MatrixError("M_UNRECOGNIZED", "this server makes no previews")
        return await self._previews.get(caller, request.url)


def _previews(engine: Engine, uploads: Uploads) -> Previews | None:
    if not engine.settings.url_previews:
        return None
    # Here, for a server that makes none need not load what makes them.
    from reference_server.previews import Previews

    return Previews(uploads, engine.settings.reach)


def _incoming(
    exchange: Exchange, request: ops.Upload | ops.UploadAnnounced
) -> Incoming:
    length = exchange.headers.get(b"content-length", b"0")
    kind = exchange.headers.get(b"content-type", b"").decode("latin-1")
    return Incoming(
        content_type=declared_type(kind),
        name=safe_name(request.filename) if request.filename else None,
        length=int(length) if length.isdigit() else 0,
        body=_body(exchange.receive),
    )


async def _body(receive: Receive) -> AsyncGenerator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MatrixError("M_UNKNOWN", "the upload was broken off")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _slice(data: bytes, start: int, end: int) -> AsyncGenerator[bytes]:
    yield data[start:end]


async def _send_error(send: Send, error: MatrixError) -> None:
    await _send_json(send, error.to_json(), error.status, error_headers(error))


async def _send_json(
    send: Send, json: JsonObject, status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    body = dumps(json)
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
