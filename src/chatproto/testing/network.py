"""The way from clients to an engine in the same process: no sockets, all the rest.

What passes is what would pass on a network: WebSocket frames that carry the messages of
the connection machines of both ends, and HTTP requests as path, query and body.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import trio
from attrs import define, field, frozen

from chatproto.canonical import JsonObject, loads
from chatproto.client.files import Download
from chatproto.client.transport import Disconnected, Wire
from chatproto.decisions import Caller
from chatproto.errors import MatrixError
from chatproto.ids import MxcUri
from chatproto.operations.declare import Call, Operation
from chatproto.operations.media import GetThumbnail
from chatproto.server.engine import Engine
from chatproto.server.socket import SocketSettings, encode_reply, serve_socket
from chatproto.testing.clock import SeededRandom
from chatproto.testing.line import NO_FAULTS, Faults, Line
from chatproto.testing.pair import MASK, MAX_MESSAGE
from chatproto.wire import frames
from chatproto.wire.http import (
    Router,
    decode_request,
    decode_response,
    encode_request,
)
from chatproto.wire.websocket import Encoded, FrameReader, Text, text_frame

ADDRESS = "127.0.0.1"
WINDOW_BYTES = 256 * 1024  # what a server lets wait for a client that does not read
CHUNK_BYTES = 1024
NORMAL, LOST = 1000, 1006

Cut: TypeAlias = Callable[[JsonObject], bool]


@frozen
class StoredFile:
    content_type: str
    data: bytes


@define(eq=False)
class MemoryTransport:
    """How one client reaches an engine; give it to `connect` as its transport.

    `is_up` is false while there is no network. `cut_before` may choose a message, of
    either side, by its JSON: the connection is lost over it, once. `files` are what
    has been uploaded; clients that are to share them share it.
    """

    engine: Engine
    faults: Faults = NO_FAULTS
    settings: SocketSettings = field(factory=SocketSettings)
    files: dict[str, StoredFile] = field(factory=dict)
    is_up: bool = True
    cut_before: Cut | None = None
    connected: int = 0  # how often a socket was opened
    seed: int = 0
    _random: SeededRandom = field(init=False)
    _open: set[_Socket] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self._random = SeededRandom(self.seed)

    def cut(self) -> None:
        """Lose all connections, with what is on its way."""
        for socket in tuple(self._open):
            socket.lose()

    def go_down(self) -> None:
        """Lose all connections, and let none be opened until `is_up` is set."""
        self.is_up = False
        self.cut()

    def say_goodbye(
        self, code: int, reason: str, then: str, after_ms: int | None = None
    ) -> None:
        """Let the server end all connections, as it does when it is stopped."""
        goodbye = frames.Goodbye(reason=reason, then=then, after_ms=after_ms)
        for socket in tuple(self._open):
            socket.to_client_soon(Encoded.of(frames.encode(goodbye)))
            socket.flush()
            socket.close(code, reason)

    @asynccontextmanager
    async def socket(self) -> AsyncGenerator[Wire]:
        await self._require_up()
        socket = _Socket(self, self.faults, self._random)
        self._open.add(socket)
        self.connected += 1
        self.engine.start_soon(self._serve, _ServerEnd(socket))
        try:
            yield _ClientEnd(socket)
        finally:
            self._open.discard(socket)
            socket.close(NORMAL, "")

    async def call(
        self, operation: Operation, request: Call[Any], token: str | None
    ) -> Any:
        await self._require_up()
        verb, target, body = encode_request(operation, request)
        path, _, query = target.partition("?")
        found, fields = Router(self.engine.operations).match(verb, path)
        asked = decode_request(found, fields, parse_qsl(query), body or b"")
        caller = Caller(address=ADDRESS)
        if token is not None:
            caller = await self.engine.authenticate(token, ADDRESS)
        json = encode_reply(await self.engine.call(caller, asked))
        await self._require_up()
        return decode_response(operation, json)

    async def upload(
        self,
        chunks: AsyncIterator[bytes],
        *,
        size: int,
        name: str,
        content_type: str,
        token: str,
    ) -> MxcUri:
        del name
        await self._require_up()
        await self.engine.authenticate(token, ADDRESS)
        data = b"".join([chunk async for chunk in chunks])
        assert len(data) == size, f"{size} bytes were promised, {len(data)} came"
        uri = f"mxc://{self.engine.server}/file{len(self.files)}"
        self.files[uri] = StoredFile(content_type, data)
        return MxcUri(uri)

    @asynccontextmanager
    async def download(self, uri: MxcUri, token: str) -> AsyncGenerator[Download]:
        await self._require_up()
        await self.engine.authenticate(token, ADDRESS)
        stored = self.files.get(uri)
        if stored is None:
            raise MatrixError("M_NOT_FOUND", "there is no such file here")

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(stored.data), CHUNK_BYTES):
                await self._require_up()
                yield stored.data[start : start + CHUNK_BYTES]

        yield Download(len(stored.data), stored.content_type, chunks())

    def thumbnail(
        self, request: GetThumbnail, token: str
    ) -> AbstractAsyncContextManager[Download]:
        """The picture itself: a thumbnail may be larger than it was asked for."""
        uri = f"mxc://{request.server_name}/{request.media_id}"
        return self.download(MxcUri(uri), token)

    async def _serve(self, channel: _ServerEnd) -> None:
        await serve_socket(self.engine, channel, self.settings)
        await channel.close(NORMAL)

    async def _require_up(self) -> None:
        await trio.lowlevel.checkpoint()
        if not self.is_up:
            raise Disconnected(None, "there is no network")


class _Socket:
    """A connection: a line each way, until one side closes it or it is lost."""

    def __init__(
        self, transport: MemoryTransport, faults: Faults, random: SeededRandom
    ) -> None:
        self._transport = transport
        self.to_server = Line(faults, random, _now_ms)
        self.to_client = Line(faults, random, _now_ms)
        self.closed: tuple[int, str] | None = None
        self._queued: list[Encoded] = []
        self._changed = trio.Event()

    def to_client_soon(self, frame: Encoded) -> bool:
        waiting = self.to_client.waiting + sum(len(f.frame) for f in self._queued)
        if self.closed is not None or waiting > WINDOW_BYTES:
            return False
        self._queued.append(frame)
        return True

    def flush(self) -> bool:
        queued, self._queued = self._queued, []
        for frame in queued:
            self._put(self.to_client, frame.payload, frame.frame)
        return self.closed is None

    def from_client(self, message: bytes) -> None:
        self._put(self.to_server, message, text_frame(message, MASK))

    def lose(self) -> None:
        self.to_server.clear()
        self.to_client.clear()
        self.close(LOST, "the connection was lost")

    def close(self, code: int, reason: str) -> None:
        self.closed = self.closed or (code, reason)
        self._notify()

    def check_open(self) -> None:
        if self.closed is not None:
            raise Disconnected(*self.closed)

    async def read(self, line: Line) -> bytes:
        """What has arrived, at once or when it does; empty at the end."""
        while not (data := line.take()):
            arrives_ms = line.next_ms()
            if self.closed is not None and arrives_ms is None:
                return b""
            until_s = float("inf") if arrives_ms is None else arrives_ms / 1000
            with trio.move_on_at(until_s):
                await self._changed.wait()
        self._notify()
        return data

    async def drained(self) -> None:
        while self.to_client.waiting and self.closed is None:
            await self._changed.wait()

    def _put(self, line: Line, message: bytes, data: bytes) -> None:
        if self.closed is not None:
            return
        wanted = self._transport.cut_before
        if wanted is not None and wanted(loads(message)):
            self._transport.cut_before = None
            self.lose()
        elif not line.put(data):
            self.lose()
        self._notify()

    def _notify(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()


class _ClientEnd:
    """The wire of a session."""

    def __init__(self, socket: _Socket) -> None:
        self._socket = socket
        self._reader = FrameReader(MAX_MESSAGE, masked=False)

    async def send(self, message: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self._socket.check_open()
        self._socket.from_client(message)

    async def receive(self) -> bytes:
        await trio.lowlevel.checkpoint()
        while True:
            for event in self._reader:
                if isinstance(event, Text):
                    return event.payload
            data = await self._socket.read(self._socket.to_client)
            if not data:
                self._socket.check_open()
            self._reader.feed(data)


class _ServerEnd:
    """The channel of a server's session."""

    def __init__(self, socket: _Socket) -> None:
        self._socket = socket
        self._reader = FrameReader(MAX_MESSAGE)

    @property
    def remote_address(self) -> str:
        return ADDRESS

    async def receive(self) -> bytes | None:
        await trio.lowlevel.checkpoint()
        while True:
            for event in self._reader:
                if isinstance(event, Text):
                    return event.payload
            data = await self._socket.read(self._socket.to_server)
            if not data:
                return None
            self._reader.feed(data)

    def queue(self, frame: Encoded) -> bool:
        return self._socket.to_client_soon(frame)

    def flush(self) -> bool:
        return self._socket.flush()

    async def drained(self) -> None:
        await trio.lowlevel.checkpoint()
        self._socket.flush()
        await self._socket.drained()

    def authenticated(self) -> None:
        """Nobody counts strangers here."""

    async def close(self, code: int, reason: str = "") -> None:
        await trio.lowlevel.checkpoint()
        self._socket.flush()
        self._socket.close(code, reason)


def _now_ms() -> int:
    # A deadline computed from milliseconds may be a hair before them.
    return int(trio.current_time() * 1000 + 0.001)
