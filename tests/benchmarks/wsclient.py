"""A raw WebSocket client that costs next to nothing, so that the server is measured."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

UPGRADE = (
    "GET /_chatproto/v1/socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: chatproto.1\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MARK = b"~m~"


def masked(payload: bytes) -> bytes:
    """A text frame of a client with a zero mask, which is legal and free."""
    size = len(payload)
    if size < 126:
        head = bytes((0x81, 0x80 | size))
    else:
        head = bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


class Client(asyncio.Protocol):
    """Counts marks in what arrives; `on_ack` is called for each answer to a call."""

    def __init__(self) -> None:
        self.count = 0
        self.acks = 0
        self.on_ack: Callable[[int], None] | None = None
        self.on_count: Callable[[], None] | None = None
        self._tail = b""
        self._waiting: tuple[bytes, asyncio.Future[None]] | None = None
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._waiting is not None:
            self._seen += data
            pattern, future = self._waiting
            if pattern in self._seen and not future.done():
                future.set_result(None)
            return
        joined = self._tail + data
        marks = joined.count(MARK)
        if marks:
            self.count += marks
            if self.on_count:
                self.on_count()
        acks = joined.count(b'"ok":{"event_id"')
        self._tail = joined[-15:].replace(MARK, b"").replace(b'"ok":{"event_id"', b"")
        if acks:
            self.acks += acks
            if self.on_ack:
                self.on_ack(acks)

    async def expect(self, pattern: bytes, seconds: float = 30) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = (pattern, loop.create_future())
        if pattern in self._seen:
            self._waiting[1].set_result(None)
        await asyncio.wait_for(self._waiting[1], seconds)
        self._waiting, self._seen = None, b""

    def send(self, frame: object) -> None:
        data = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        self.transport.write(masked(data))

    def close(self) -> None:
        self.transport.close()


async def connect(port: int, token: str, **hello: object) -> Client:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, "127.0.0.1", port)
    waiting = asyncio.ensure_future(client.expect(b"\r\n\r\n"))
    await asyncio.sleep(0)
    client.transport.write(UPGRADE.encode())
    await waiting
    waiting = asyncio.ensure_future(client.expect(b'"at":'))
    await asyncio.sleep(0)
    client.send({"hello": {"token": token, **hello}})
    await waiting
    return client
