"""How messages travel: a WebSocket that carries text both ways, and HTTP calls."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import (
    AbstractAsyncContextManager,
    aclosing,
    asynccontextmanager,
    contextmanager,
)
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

import trio
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    wrap_client_stream,
)

from chatproto.canonical import loads
from chatproto.client.files import Download
from chatproto.client.groups import only_error
from chatproto.errors import ChatprotoError, MatrixError
from chatproto.ids import MxcUri, media_id, parse_mxc
from chatproto.operations.declare import Call, Operation
from chatproto.operations.media import (
    DOWNLOAD,
    GET_THUMBNAIL,
    UPLOAD,
    GetThumbnail,
    Upload,
)
from chatproto.operations.media import Download as GetFile
from chatproto.wire.http import decode_response, encode_request

SOCKET_PATH = "/_chatproto/v1/socket"
MAX_MESSAGE = 16 * 1024 * 1024
RECEIVE_BYTES = 64 * 1024
OPEN_S = 30.0
CLOSE_S = 1.0

TlsStream: TypeAlias = "trio.SSLStream[trio.SocketStream]"


class Disconnected(ChatprotoError):  # noqa: N818  # a state of things, not a mistake
    """The connection is not there; `code` is the close code, if there was one."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(reason or "not connected")
        self.code = code
        self.reason = reason


class Wire(Protocol):
    """Text messages both ways."""

    async def send(self, message: bytes) -> None: ...
    async def receive(self) -> bytes: ...


class Transport(Protocol):
    """What a session needs of the network."""

    def socket(self) -> AbstractAsyncContextManager[Wire]:
        """Open a socket. Raises Disconnected."""
        ...

    async def call(
        self, operation: Operation, request: Call[Any], token: str | None
    ) -> Any:
        """Call over HTTP. Raises MatrixError, Disconnected."""
        ...

    async def upload(
        self,
        chunks: AsyncIterator[bytes],
        *,
        size: int,
        name: str,
        content_type: str,
        token: str,
    ) -> MxcUri:
        """Store a file of `size` bytes. Raises MatrixError, Disconnected."""
        ...

    def download(
        self, uri: MxcUri, token: str
    ) -> AbstractAsyncContextManager[Download]:
        """Open a file. Raises MatrixError; Disconnected, also while it is read."""
        ...

    def thumbnail(
        self, request: GetThumbnail, token: str
    ) -> AbstractAsyncContextManager[Download]:
        """Open a small version of a picture. Raises as `download` does."""
        ...


class NetworkTransport:
    """The real network, by trio-websocket and httpx2.

    `ssl_context` is for servers whose certificate the machine does not trust by
    itself.
    """

    def __init__(self, url: str, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self.url = url.rstrip("/")
        self._ssl_context = ssl_context
        self._http: Any = None

    @asynccontextmanager
    async def socket(self) -> AsyncGenerator[Wire]:
        stream = await self._open_stream()
        is_open = False
        try:
            async with trio.open_nursery() as nursery:
                websocket = await self._shake_hands(nursery, stream)
                is_open = True
                yield _SocketWire(websocket)
                with trio.move_on_after(CLOSE_S):
                    await websocket.aclose()
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            error = only_error(group)
            if not is_open and isinstance(error, Exception):
                # What a server that speaks something else makes of it is not only
                # HandshakeError.
                error = Disconnected(None, f"the server opens no socket: {error!r}")
            raise error from None
        finally:
            # trio-websocket leaves it open when the server was the one to close.
            await trio.aclose_forcefully(stream)

    async def _open_stream(self) -> trio.SocketStream | TlsStream:
        parts = urlsplit(self.url)
        host, is_tls = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        try:
            with trio.fail_after(OPEN_S):
                if not is_tls:
                    return await trio.open_tcp_stream(host, port)
                stream = await trio.open_ssl_over_tcp_stream(
                    host, port, https_compatible=True, ssl_context=self._ssl_context
                )
                await stream.do_handshake()
                return stream
        except (OSError, trio.BrokenResourceError) as error:
            raise Disconnected(None, str(error.__cause__ or error)) from None
        except trio.TooSlowError:
            raise Disconnected(None, "no connection in time") from None

    async def _shake_hands(
        self, nursery: trio.Nursery, stream: trio.SocketStream | TlsStream
    ) -> WebSocketConnection:
        parts = urlsplit(self.url)
        try:
            with trio.fail_after(OPEN_S):
                return await wrap_client_stream(
                    nursery,
                    stream,
                    parts.netloc.rpartition("@")[2],
                    parts.path + SOCKET_PATH,
                    subprotocols=["chatproto.1"],
                    max_message_size=MAX_MESSAGE,
                    message_queue_size=64,
                    receive_buffer_size=RECEIVE_BYTES,
                )
        except trio.TooSlowError:
            raise Disconnected(None, "no connection in time") from None

    async def call(
        self, operation: Operation, request: Call[Any], token: str | None
    ) -> Any:
        verb, path, body = encode_request(operation, request)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.request(verb, path, headers=headers, content=body)
        return decode_response(operation, answer.content)

    async def upload(
        self,
        chunks: AsyncIterator[bytes],
        *,
        size: int,
        name: str,
        content_type: str,
        token: str,
    ) -> MxcUri:
        verb, path, _ = encode_request(UPLOAD, Upload(filename=name))
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": content_type,
            "Content-Length": str(size),
        }
        answer = await self.request(verb, path, content=chunks, headers=headers)
        return parse_mxc(decode_response(UPLOAD, answer.content).content_uri)

    def download(
        self, uri: MxcUri, token: str
    ) -> AbstractAsyncContextManager[Download]:
        server, name = media_id(uri)
        request = GetFile(server_name=server, media_id=name)
        return self._open_file(DOWNLOAD, request, token)

    def thumbnail(
        self, request: GetThumbnail, token: str
    ) -> AbstractAsyncContextManager[Download]:
        return self._open_file(GET_THUMBNAIL, request, token)

    @asynccontextmanager
    async def _open_file(
        self, operation: Operation, request: Call[bytes], token: str
    ) -> AsyncGenerator[Download]:
        verb, path, _ = encode_request(operation, request)
        headers = {"Authorization": f"Bearer {token}"}
        with _errors_of_httpx():
            async with self._client().stream(
                verb, self.url + path, headers=headers
            ) as answer:
                if answer.status_code >= 400:
                    raise _refusal(answer.status_code, await answer.aread())
                length = answer.headers.get("content-length", "")
                async with aclosing(answer.aiter_bytes()) as chunks:
                    yield Download(
                        size=int(length) if length.isdigit() else None,
                        content_type=answer.headers.get("content-type", ""),
                        chunks=chunks,
                    )

    async def request(self, verb: str, path: str, **options: Any) -> Any:
        """An HTTP request; gives the response of httpx2.

        Raises MatrixError, Disconnected.
        """
        with _errors_of_httpx():
            answer = await self._client().request(verb, self.url + path, **options)
        if answer.status_code >= 400:
            raise _refusal(answer.status_code, answer.content)
        return answer

    async def aclose(self) -> None:
        if self._http is not None:
            with trio.CancelScope(shield=True):
                await self._http.aclose()

    def _client(self) -> Any:
        import httpx2  # here, for a bot that only chats does without

        if self._http is None:
            verify = self._ssl_context or True
            self._http = httpx2.AsyncClient(timeout=60, verify=verify)
        return self._http


@contextmanager
def _errors_of_httpx() -> Generator[None]:
    import httpx2

    try:
        yield
    except httpx2.TransportError as error:
        raise Disconnected(None, str(error)) from None


class _SocketWire:
    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket

    async def send(self, message: bytes) -> None:
        try:
            await self._websocket.send_message(message.decode())
        except ConnectionClosed as error:
            raise _disconnected(error) from None

    async def receive(self) -> bytes:
        try:
            message: str | bytes = await self._websocket.get_message()
        except ConnectionClosed as error:
            raise _disconnected(error) from None
        return message.encode() if isinstance(message, str) else message


def _disconnected(error: ConnectionClosed) -> Disconnected:
    reason = error.reason
    if reason is None:
        return Disconnected(1006, "the connection was lost")
    return Disconnected(reason.code, reason.reason or reason.name)


def _refusal(status: int, body: bytes) -> MatrixError:
    try:
        json = loads(body)
    except MatrixError:
        json = {}
    if not isinstance(json, dict) or "errcode" not in json:
        return MatrixError("M_UNKNOWN", f"the server answered {status}", status=status)
    known = ("errcode", "error", "retry_after_ms")
    return MatrixError(
        str(json["errcode"]),
        str(json.get("error", "")),
        status=status,
        retry_after_ms=json.get("retry_after_ms"),
        extra={key: value for key, value in json.items() if key not in known},
    )
