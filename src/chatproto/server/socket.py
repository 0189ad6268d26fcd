"""The server's end of one socket: hello, calls, news, goodbye (docs/protocol/socket.md).

It knows frames and the engine; bytes, limits and heartbeats are the channel's.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

import trio
from attrs import frozen

from chatproto.canonical import JsonObject, dumps
from chatproto.decisions import Caller
from chatproto.errors import MatrixError, RemoteError
from chatproto.operations.codec import structure, unstructure
from chatproto.operations.declare import Call
from chatproto.server.connection import Connection
from chatproto.server.engine import Engine
from chatproto.server.filters import MAX_TIMELINE, SyncFilter
from chatproto.server.outcome import RawReply
from chatproto.server.positions import Position
from chatproto.wire import frames
from chatproto.wire.websocket import Encoded
from chatproto.wire.ws import Role, WsConnection

HELLO_S = 10.0
MAX_IN_FLIGHT = 8
MAX_REPLAYED = 20_000  # positions behind; beyond that a snapshot is cheaper
LAZY_MEMBERS_ABOVE = 200


class Channel(Protocol):
    """Messages in; a bounded sink out, which is full when the client does not read."""

    @property
    def remote_address(self) -> str: ...
    async def receive(self) -> bytes | None:
        """The next message, or None when the other side has gone."""
        ...

    def queue(self, frame: Encoded) -> bool: ...
    def flush(self) -> bool: ...
    async def drained(self) -> None: ...
    def authenticated(self) -> None: ...
    async def close(self, code: int, reason: str = "") -> None: ...


@frozen
class SocketSettings:
    """What a server tells in its welcome."""

    heartbeat_ms: int = 30_000
    max_frame: int = 128 * 1024
    window: int = 1024 * 1024


class Refused(Exception):  # noqa: N818  # it is not an error of ours, but an answer
    """The connection is to be closed with a code, and the client told what to do."""

    def __init__(self, code: int, reason: str, then: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.then = then


async def serve_socket(
    engine: Engine,
    channel: Channel,
    settings: SocketSettings = SocketSettings(),  # frozen
) -> None:
    """Serve one socket until it closes."""
    machine = WsConnection(Role.SERVER)
    try:
        session = await _greet(engine, channel, machine, settings)
        await session.run()
    except Refused as refused:
        _say_goodbye(channel, machine, refused)
        await channel.close(refused.code, refused.reason)
    except RemoteError as error:
        broken = Refused(4400, str(error), "login")
        _say_goodbye(channel, machine, broken)
        await channel.close(4400, str(error)[:100])


def _say_goodbye(channel: Channel, machine: WsConnection, refused: Refused) -> None:
    if machine.can_send(frames.Goodbye):
        bye = frames.Goodbye(reason=refused.reason, then=refused.then)
        channel.queue(Encoded.of(machine.send(bye)))
        channel.flush()


async def _greet(
    engine: Engine,
    channel: Channel,
    machine: WsConnection,
    settings: SocketSettings,
) -> _Session:
    data: bytes | None = b""
    with trio.move_on_after(HELLO_S):
        data = await channel.receive()
    if data == b"":
        raise Refused(4408, "no hello in time", "resume")
    if data is None:
        raise Refused(1000, "closed before hello", "resume")
    hello = machine.receive_data(data)
    assert isinstance(hello, frames.Hello)
    caller = await _who(engine, hello, channel)
    channel.authenticated()
    since = _resume_from(engine, hello.since)
    welcome = frames.Welcome(
        user_id=caller.user,
        device_id=caller.device_id,
        session=engine.random(8).hex(),
        heartbeat_ms=settings.heartbeat_ms,
        max_frame=settings.max_frame,
        window=settings.window,
        server_time=engine.clock.now_ms(),
        server=engine.server,
        features=tuple(sorted(module.name for module in engine.modules)),
        resumed=since is not None,
    )
    channel.queue(Encoded.of(machine.send(welcome)))
    if hello.since is not None and since is None:
        resync = frames.Resync(reason="this position cannot be resumed")
        channel.queue(Encoded.of(machine.send(resync)))
    channel.flush()
    return _Session(engine, channel, machine, caller, hello, since)


async def _who(engine: Engine, hello: frames.Hello, channel: Channel) -> Caller:
    if hello.ticket is not None:
        caller = engine.tickets.redeem(hello.ticket, engine.clock.now_ms())
        if caller is None:
            raise Refused(4401, "the ticket is not known, used or expired", "login")
        return caller
    if hello.token is None:
        raise Refused(4401, "hello needs a token or a ticket", "login")
    try:
        return await engine.authenticate(hello.token, channel.remote_address)
    except MatrixError as error:
        raise Refused(4401, error.error, "login") from None


def _resume_from(engine: Engine, token: str | None) -> Position | None:
    """Where to resume, or None where a snapshot has to do."""
    if token is None:
        return None
    try:
        since = Position.parse(token)
    except MatrixError:
        return None
    now = engine.position()
    return since if now.pos - MAX_REPLAYED <= since.pos <= now.pos else None


class _Session:
    def __init__(
        self,
        engine: Engine,
        channel: Channel,
        machine: WsConnection,
        caller: Caller,
        hello: frames.Hello,
        since: Position | None,
    ) -> None:
        self._engine = engine
        self._channel = channel
        self._sink = channel
        self._machine = machine
        self._caller = caller
        self._token = hello.token
        limit = max(1, min(hello.limit or 20, MAX_TIMELINE))
        self._want = SyncFilter(timeline_limit=limit, state_after=True)
        self._in_flight = 0
        self._slot_free = trio.Event()
        self._nursery: trio.Nursery
        self._connection = Connection(
            caller.user,
            caller.device_id,
            channel,
            read=self._body,
            start=self._start,
            on_end=self._end,
            since=since,
            wants=None if hello.wants is None else frozenset(hello.wants),
        )

    async def run(self) -> None:
        """Serve until the other side goes."""
        broken: RemoteError | None = None
        async with trio.open_nursery() as self._nursery:
            self._engine.attach(self._connection, ())
            try:
                await self._subscribe()
                self._connection.catch_up_soon()
                await self._receive()
            except RemoteError as error:
                broken = error  # to be raised bare, not in the nursery's group
            finally:
                self._engine.detach(self._connection)
            self._nursery.cancel_scope.cancel()
        if broken is not None:
            raise broken

    async def _subscribe(self) -> None:
        rooms = await self._engine.joined_rooms(self._caller.user)
        for room_id in rooms:
            self._engine.subscriptions.join(room_id, self._caller.user)

    def _end(self, reason: str) -> None:
        """The session is over: tell the client, and cut what still runs."""
        self._nursery.start_soon(self._part, Refused(4401, reason, "login"))

    async def _part(self, refused: Refused) -> None:
        _say_goodbye(self._channel, self._machine, refused)
        await self._channel.close(refused.code, refused.reason)

    def _start(self, function: Any) -> None:
        self._nursery.start_soon(function)

    async def _body(self, since: Position | None) -> tuple[JsonObject, Position]:
        until = self._engine.position()
        user_id, device_id = self._caller.user, self._caller.device_id
        body = await self._engine.streams.body(
            user_id,
            device_id,
            since,
            until,
            self._want,
        )
        return body, Position.parse(body["next_batch"])

    async def _receive(self) -> None:
        while (data := await self._channel.receive()) is not None:
            frame = self._machine.receive_data(data)
            if type(frame) is frames.CallFrame:
                await self._call(frame)
            elif type(frame) is frames.Ack:
                self._confirm(frame.at)
            elif type(frame) is frames.Ping:
                self._send(frames.Pong(frame.n))

    def _confirm(self, at: str) -> None:
        device_id = self._caller.device_id
        try:
            through = Position.parse(at).pos
        except MatrixError as error:
            raise RemoteError(error.error) from None
        if device_id is not None:
            self._engine.store.confirm_to_device(self._caller.user, device_id, through)

    async def _call(self, frame: frames.CallFrame) -> None:
        try:
            request = self._request(frame)
            if self._token is not None:
                self._caller = await self._engine.authenticate(
                    self._token, self._channel.remote_address
                )
        except MatrixError as error:
            self._in_flight += 1
            self._answer(frame.id, None, error)
            return
        while self._in_flight >= MAX_IN_FLIGHT:
            self._slot_free = trio.Event()
            await self._slot_free.wait()
        self._in_flight += 1
        if self._engine.is_read(request):
            self._nursery.start_soon(self._read, frame, request)
        else:
            done = partial(self._done, frame)
            await self._engine.begin(self._caller, request, done)

    def _request(self, frame: frames.CallFrame) -> Call[Any]:
        operation = self._engine.operations.by_name.get(frame.do)
        if operation is None or operation.by_hand:
            raise MatrixError("M_UNRECOGNIZED", f"no operation {frame.do[:60]!r} here")
        return structure(operation.request, frame.args)

    async def _read(self, frame: frames.CallFrame, request: Call[Any]) -> None:
        try:
            reply, error = await self._engine.read(self._caller, request), None
        except MatrixError as refusal:
            reply, error = None, refusal
        self._done(frame, reply, error)

    def _done(
        self,
        frame: frames.CallFrame,
        reply: Any,
        error: BaseException | None,
    ) -> None:
        self._answer(frame.id, reply, error)

    def _free_slot(self) -> None:
        self._in_flight -= 1
        self._slot_free.set()

    def _answer(self, number: int, reply: Any, error: BaseException | None) -> None:
        if isinstance(error, MatrixError):
            data = frames.error_bytes(number, error.to_json())
        elif error is not None:
            raise error
        elif isinstance(reply, RawReply):
            data = frames.reply_bytes(number, reply.json)
        else:
            data = frames.reply_bytes(number, encode_reply(reply))
        self._connection.reply(Encoded.of(data), self._free_slot)
        self._engine.after_batch(self._sink.flush)

    def _send(self, frame: Any) -> None:
        self._sink.queue(Encoded.of(self._machine.send(frame)))
        self._sink.flush()


def encode_reply(reply: Any) -> bytes:
    """The JSON of an answer: typed, or JSON already."""
    if isinstance(reply, dict):
        return dumps(reply)
    if isinstance(reply, tuple):
        return dumps(list(reply))
    return dumps(unstructure(reply))
