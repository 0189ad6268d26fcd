from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import h11
import pytest
import trio

from chatproto.wire.websocket import Encoded, FrameEvent, FrameReader, text_frame
from reference_server.web.channel import SocketChannel
from reference_server.web.limits import HttpLimits, SocketLimits
from reference_server.web.listener import serve
from reference_server.web.sockets import OpenSockets

KEY = b"abcd"
HANDSHAKE = (
    b"GET /_chatproto/v1/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chatproto.1\r\n"
    b"User-Agent: tests\r\nOrigin: http://x\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


async def echo(channel: SocketChannel) -> None:
    """A session that says everything back."""
    channel.authenticated()
    while (message := await channel.receive()) is not None:
        channel.push(Encoded.of(message))


class Wire:
    """The client's end of a connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.rest = b""
        self._http = h11.Connection(h11.CLIENT)
        self._frames = FrameReader(1 << 24, masked=False)

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def ask(self, data: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """Send raw bytes, and read one answer."""
        if data:
            await self.send(data)
        self._http = h11.Connection(h11.CLIENT)
        upgrade = [("host", "x"), ("upgrade", "websocket"), ("connection", "upgrade")]
        self._http.send(h11.Request(method="GET", target="/", headers=upgrade))
        self._http.send(h11.EndOfMessage())
        response: h11.Response | h11.InformationalResponse | None = None
        body = b""
        with trio.fail_after(5):
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    self._http.receive_data(await self.stream.receive_some())
                elif isinstance(event, h11.Response):
                    response = event
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    break
                elif (
                    isinstance(event, h11.InformationalResponse)
                    and event.status_code == 101
                ):
                    response = event
                    self._frames.feed(self._http.trailing_data[0])
                    break
        assert response is not None
        headers = {k.decode(): v.decode() for k, v in response.headers}
        return response.status_code, headers, body

    async def is_closed(self) -> bool:
        """Whether the server hangs up within a short time."""
        return (await self._last_words()) is not None

    async def is_silent_until_closed(self) -> bool:
        """Whether the server hangs up without answering anything more."""
        return (await self._last_words()) == b""

    async def _last_words(self) -> bytes | None:
        words = b""
        with trio.move_on_after(2):
            try:
                while data := await self.stream.receive_some():
                    words += data
            except trio.BrokenResourceError:
                pass
            return words
        return None

    async def say(self, text: bytes) -> None:
        await self.send(text_frame(text, KEY))

    async def hear(self) -> FrameEvent:
        """The next frame; EOFError when there is none."""
        with trio.fail_after(5):
            while True:
                for event in self._frames:
                    return event
                data = await self.stream.receive_some()
                if not data:
                    raise EOFError
                self._frames.feed(data)

    async def open_socket(
        self, *more: bytes, rest: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask for a socket, with further header lines and bytes after the head."""
        lines = [HANDSHAKE.removesuffix(b"\r\n\r\n"), *more, b"", rest]
        return await self.ask(b"\r\n".join(lines))


class Site:
    """A running listener."""

    def __init__(self, port: int, sockets: OpenSockets, shutdown: trio.Event) -> None:
        self.port = port
        self.sockets = sockets
        self.shutdown = shutdown

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[Wire]:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        async with stream:
            yield Wire(stream)


@asynccontextmanager
async def running(
    app: Any,
    session: Callable[[SocketChannel], Awaitable[None]] = echo,
    *,
    http: HttpLimits | None = None,
    socket: SocketLimits | None = None,
    **options: Any,
) -> AsyncGenerator[Site]:
    """A listener for an application and a session, stopped at the end."""
    shutdown = trio.Event()
    sockets = OpenSockets(session, socket or SocketLimits(close_seconds=0.2), **options)
    async with trio.open_nursery() as nursery:

        async def start(*, task_status: trio.TaskStatus[Any]) -> None:
            await serve(
                app,
                sockets,
                [("127.0.0.1", 0)],
                shutdown=shutdown,
                limits=http or HttpLimits(drain_seconds=0.2, linger_seconds=0.2),
                grace_seconds=0.2,
                task_status=task_status,
            )

        [(_, port)] = await nursery.start(start)
        yield Site(port, sockets, shutdown)
        shutdown.set()


@pytest.fixture
def site() -> Any:
    """What starts a listener: `async with site(app, session, ...) as it`."""
    return running
