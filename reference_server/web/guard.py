"""What stands between Hypercorn and the application, and cures what both leave open.

Bodies are counted as they arrive and have deadlines; what nobody reads is drained, or
the connection closed; every answer has the headers that it must have, and every error
is JSON. An application under this guard lets its exceptions out (for Quart: set
PROPAGATE_EXCEPTIONS), for the guard turns them into 500 and 1011.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog
import trio

from chatproto.errors import MatrixError, RemoteError
from chatproto.wire.handshake import RequestHead
from chatproto.wire.websocket import INTERNAL_ERROR
from reference_server.web.answers import (
    Headers,
    error_body,
    error_for_status,
    error_headers,
    with_common,
)
from reference_server.web.connection import CONNECTION, Connection
from reference_server.web.heads import check_framing, client_address
from reference_server.web.limits import HttpLimits
from reference_server.web.sockets import SOCKET_PATH, OpenSockets

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = structlog.get_logger("chatproto.guard")


class ClientGoneError(RemoteError):
    """The client left in the middle of its own request."""


async def iter_body(receive: Receive) -> AsyncIterator[bytes]:
    """The request's body as it arrives, for a raw ASGI callable.

    Nothing is read ahead, so a slow consumer slows the sender down. Raises MatrixError
    for a body over its limit or its time, and ClientGoneError.
    """
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError("the client left in the middle of its body")
        if message["body"]:
            yield message["body"]
        if not message["more_body"]:
            return


class Guard:
    """ASGI middleware for an application behind the listener."""

    def __init__(self, app: AsgiApp, limits: HttpLimits, sockets: OpenSockets) -> None:
        self._app = app
        self._limits = limits
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope = self._with_client(scope)
        if scope["type"] == "http":
            await Exchange(self._app, scope, receive, send, self._limits).run()
        elif scope["path"] == SOCKET_PATH and scope["http_version"] == "1.1":
            await self._take_over(scope)
        else:
            await self._websocket(scope, receive, send)

    def _with_client(self, scope: Scope) -> Scope:
        if not self._limits.trusted_hops or not scope["client"]:
            return scope
        peer, port = scope["client"]
        address = client_address(peer, scope["headers"], self._limits.trusted_hops)
        return {**scope, "client": (address, port)}

    async def _take_over(self, scope: Scope) -> None:
        """Serve a socket on a connection that was kept alive for HTTP."""
        connection: Connection = scope["state"][CONNECTION]
        target = scope["raw_path"].decode("ascii")
        head = RequestHead("GET", target, "1.1", tuple(scope["headers"]))
        try:
            stream, rest = await connection.take_over()
            await self._sockets.serve(stream, head, scope["client"][0], rest)
        finally:
            connection.release()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == b"sec-websocket-extensions" for name, _ in scope["headers"]):
            # On its first request the listener takes the offer out; here Hypercorn
            # has seen it, and would inflate whatever comes without a limit.
            await send({"type": "websocket.close", "code": INTERNAL_ERROR})
            return
        try:
            await self._app(scope, receive, send)
        except* Exception:  # noqa: BLE001  # whatever it is, the peer is told 1011
            _log.exception("websocket_failed", path=scope["path"])
            await send({"type": "websocket.close", "code": INTERNAL_ERROR})


class Exchange:
    """One request and its answer."""

    def __init__(
        self,
        app: AsgiApp,
        scope: Scope,
        receive: Receive,
        send: Send,
        limits: HttpLimits,
    ) -> None:
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limits = limits
        self._is_upload = limits.is_upload(scope["path"])
        self._left = limits.upload_bytes if self._is_upload else limits.json_bytes
        self._deadline = trio.current_time() + limits.body_seconds
        self._body_done = trio.Event()
        self._reading = False  # the application waits for more of the body
        self._refusal: MatrixError | None = None  # the request's fault, if any
        self._closing = False  # the connection ends with this answer
        self._started = False  # the answer's head has been sent,
        self._finished = False  # its last byte,
        self._ended = False  # and the end of it
        self._gone = False  # Hypercorn says that there is nothing more

    async def run(self) -> None:
        try:
            await self._run()
        finally:
            await self._settle()

    async def _run(self) -> None:
        try:
            await self._check()
            if self._scope["method"] == "OPTIONS":
                await self._answer(200, [(b"content-type", b"application/json")], b"{}")
            else:
                await self._app(self._scope, self.receive, self.send)
        except MatrixError as error:
            await self._fail(error)
        except Exception as error:  # noqa: BLE001  # whatever it is, it becomes a 500
            await self._fail(self._refusal or self._unexpected(error))

    async def _check(self) -> None:
        headers = self._scope["headers"]
        try:
            length = check_framing(headers)
        except MatrixError as error:
            await self._let_pass()
            raise self._refused(error) from None
        if length is not None and length > self._left:
            raise self._refused(self._too_large())
        for name, value in headers:
            if name == b"content-encoding" and value.strip().lower() != b"identity":
                words = "compressed bodies are not read here"
                raise self._refused(MatrixError("M_UNKNOWN", words, status=415))

    async def _let_pass(self) -> None:
        """Let Hypercorn's reader come to the end of a doubtful body.

        Had it still to find more bytes after that end when the answer has said
        "connection: close", it would hang up before the answer is sent.
        """
        await self._drain()
        for _ in range(3):
            await trio.lowlevel.checkpoint()

    def _refused(self, error: MatrixError) -> MatrixError:
        """The error, noted: nothing after it on this connection can be trusted."""
        self._refusal = error
        self._closing = True
        return error

    def _unexpected(self, error: Exception) -> MatrixError:
        if not self._gone:
            _log.error("request_failed", path=self._scope["path"], exc_info=error)
        return MatrixError("M_UNKNOWN", "Internal server error", status=500)

    def _too_large(self) -> MatrixError:
        limit = self._limits.json_bytes
        if self._is_upload:
            limit = self._limits.upload_bytes
        return MatrixError("M_TOO_LARGE", f"a body here has at most {limit} bytes")

    # the request

    async def receive(self) -> Message:
        """The application's `receive`, with the limits of bodies."""
        if self._body_done.is_set():
            return await self._next()
        self._reading = True
        try:
            with trio.move_on_at(self._due()):
                return self._count(await self._next())
        finally:
            self._reading = False
        if not self._closing:
            error = MatrixError("M_UNKNOWN", "the body is too slow", status=408)
            raise self._refused(error)
        # It is being answered already, and an end of the request would be taken for
        # an end of the connection.
        return self._count(await self._next())

    def _due(self) -> float:
        idle = trio.current_time() + self._limits.body_idle_seconds
        return idle if self._is_upload else min(idle, self._deadline)

    def _count(self, message: Message) -> Message:
        self._left -= len(message.get("body", b""))
        if self._left >= 0:
            return message
        if not self._closing:
            raise self._refused(self._too_large())
        return {**message, "body": b""}

    async def _next(self) -> Message:
        message = await self._receive()
        self._gone = message["type"] == "http.disconnect"
        if self._gone or not message["more_body"]:
            self._body_done.set()
        return message

    async def _drain(self) -> None:
        """Read what the application left of the body, if that is soon done."""
        with trio.move_on_after(self._limits.drain_seconds):
            if self._reading:
                await self._body_done.wait()
                return
            left = self._limits.drain_bytes
            while not self._body_done.is_set() and left > 0:
                left -= len((await self._next()).get("body", b""))

    # the answer

    async def send(self, message: Message) -> None:
        """The application's `send`, with the headers that every answer has."""
        if self._finished:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            await self._finish(message.get("body", b""))
        else:
            await self._send(message)

    async def _start(self, message: Message) -> None:
        status, headers = message["status"], list(message.get("headers", ()))
        if status >= 400 and not _is_json(headers):
            error = error_for_status(status)
            kept = [h for h in headers if h[0].lower() in {b"allow", b"retry-after"}]
            await self._answer(status, kept + error_headers(error), error_body(error))
        else:
            await self._send_head(status, headers)

    async def _send_head(self, status: int, headers: Headers) -> None:
        if not (self._closing or self._body_done.is_set()):
            await self._drain()
        if not self._body_done.is_set():
            self._closing = True
        if self._closing:
            headers = [*headers, (b"connection", b"close")]
        self._started = True
        complete = with_common(headers, self._scope["path"])
        start = {"type": "http.response.start", "status": status, "headers": complete}
        await self._send(start)

    async def _finish(self, body: bytes) -> None:
        self._finished = True
        # When the connection is to be closed, its end has to wait until the peer has
        # stopped sending, or a reset could overtake the answer: see _settle.
        await self._send_part(body, more=self._closing)
        self._ended = not self._closing

    async def _send_part(self, body: bytes, *, more: bool) -> None:
        part = {"type": "http.response.body", "body": body, "more_body": more}
        await self._send(part)

    async def _answer(self, status: int, headers: Headers, body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        await self._send_head(status, [*headers, length])
        await self._finish(body)

    async def _fail(self, error: MatrixError) -> None:
        if not (self._started or self._gone):
            await self._answer(error.status, error_headers(error), error_body(error))

    # the end

    async def _settle(self) -> None:
        """Leave nothing behind on which Hypercorn's reader could wait for ever.

        It waits for room in the queue of the body's parts, and its own shutdown waits
        for it: so they are read until it says that the stream is closed.
        """
        if self._ended or self._gone:
            return
        if self._finished:
            with trio.move_on_after(self._limits.linger_seconds):
                while not self._body_done.is_set():
                    await self._next()
        else:
            connection: Connection = self._scope["state"][CONNECTION]
            connection.abort()
        with trio.move_on_after(self._limits.linger_seconds):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._skip_all)
                if self._finished:
                    await self._send_part(b"", more=False)

    async def _skip_all(self) -> None:
        while not self._gone:
            await self._next()


def _is_json(headers: Headers) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"application/json")
        for name, value in headers
    )
