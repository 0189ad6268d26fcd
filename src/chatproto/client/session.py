"""A session: one account's connection to its server, kept up.

Theory of operation. One task keeps a socket open and folds what comes into
`session.state`; when it ends it is opened again from the position reached, so nothing
is missed and nothing is there twice. Calls wait for a connection. Messages go through
the outbox of the state: they are shown at once, sent in order room by room, and sent
again after a reconnect, which is harmless, for each has its transaction ID.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from chatproto.canonical import JsonObject
from chatproto.client.outbox import OutboxFile
from chatproto.client.reconnect import Backoff, Reconnect
from chatproto.client.transport import Disconnected, NetworkTransport, Transport, Wire
from chatproto.errors import MatrixError
from chatproto.ids import DeviceId, EventId, RoomId, TxnId, UserId
from chatproto.operations.accounts import LOGIN, WHOAMI, Login, WhoAmI
from chatproto.operations.codec import unstructure
from chatproto.operations.declare import Call, OperationTable
from chatproto.operations.messages import EditMessage, RedactEvent, SendEvent, Sent
from chatproto.operations.rooms import ResolveAlias
from chatproto.operations.table import OPERATIONS
from chatproto.sync.changes import Change
from chatproto.sync.outbox import REDACT, REPLACE, Outgoing
from chatproto.sync.store import ClientState
from chatproto.wire import frames
from chatproto.wire.http import typed_answer
from chatproto.wire.ws import Role, WsConnection

if TYPE_CHECKING:
    from chatproto.client.rooms import Room

R = TypeVar("R")

QUIET_FACTOR = 2.5  # heartbeats without a word after which a connection is given up
ACK_EVERY_S = 20.0
CHANGES_KEPT = 1_000


@asynccontextmanager
async def connect(
    url: str,
    *,
    token: str | None = None,
    user: str | None = None,
    password: str | None = None,
    outbox: Path | None = None,
    operations: OperationTable = OPERATIONS,
    transport: Transport | None = None,
    backoff: Backoff | None = None,
) -> AsyncGenerator[Session]:
    """A live session for the time of the block.

    Give a `token`, or `user` and `password` to log in. `outbox` is a file in which
    messages wait that could not be sent yet. `operations` are those of the server, if
    it has more than the library's own. Raises MatrixError if the log-in is refused.
    """
    network = transport or NetworkTransport(url)
    try:
        if token is None:
            login = Login(user=user, password=password or "")
            logged_in = await network.call(LOGIN, login, None)
            token = str(logged_in.access_token)
        who = await network.call(WHOAMI, WhoAmI(), token)
        session = Session(
            network,
            token,
            who.user_id,
            who.device_id,
            operations=operations,
            outbox=None if outbox is None else OutboxFile(outbox),
            backoff=backoff or Backoff(random.random),
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(session.run)
            await session.ready()
            yield session
            nursery.cancel_scope.cancel()
    finally:
        if isinstance(network, NetworkTransport):
            await network.aclose()


class Session:
    """What `connect` gives: calls, rooms, and the live state of the account."""

    def __init__(
        self,
        transport: Transport,
        token: str,
        user_id: UserId,
        device_id: DeviceId | None,
        *,
        operations: OperationTable = OPERATIONS,
        outbox: OutboxFile | None = None,
        backoff: Backoff | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.user_id = user_id
        self.device_id = device_id
        self.token = token
        self.transport = transport
        self.state = ClientState(user_id=user_id)
        self.is_connected = False
        self._operations = operations
        self._file = outbox
        self._reconnect = Reconnect(backoff or Backoff(random.random))
        self._now_ms = now_ms
        self._wire: Wire | None = None
        self._machine = WsConnection(Role.CLIENT)
        self._number = 0
        self._calls: dict[int, _Pending] = {}
        self._connected = trio.Event()
        self._synced = trio.Event()
        self._ended: BaseException | None = None
        self._watchers: set[trio.MemorySendChannel[tuple[Change, ...]]] = set()
        self._listeners: set[trio.MemorySendChannel[JsonObject]] = set()
        self._waiting: dict[TxnId, _Pending] = {}
        self._outbox_changed = trio.Event()
        self._said_at = 0.0
        if outbox is not None:
            self.state.restore(outbox.load())

    # calls

    async def call(self, request: Call[R]) -> R:
        """Ask the server, waiting for a connection if there is none.

        Raises MatrixError if it refuses, Disconnected if the answer was cut off: then
        what was asked may have happened.
        """
        while not self.is_connected:
            self._check_ended()
            await self._connected.wait()
        return await self._ask(request)  # type: ignore[no-any-return]

    async def _ask(self, request: Call[Any]) -> Any:
        operation = self._operations.of(request)
        self._number += 1
        pending = self._calls[self._number] = _Pending()
        frame = frames.CallFrame(self._number, operation.name, unstructure(request))
        try:
            await self._send(frame)
            return typed_answer(operation, await pending.wait())
        finally:
            self._calls.pop(frame.id, None)

    async def _send(self, frame: frames.Frame) -> None:
        if self._wire is None:
            raise Disconnected(None, "not connected")
        await self._wire.send(self._machine.send(frame))

    # rooms and messages

    async def room(self, id_or_alias: str) -> Room:
        """A handle on a room. Raises MatrixError for an alias that names none."""
        from chatproto.client.rooms import Room

        if not id_or_alias.startswith("#"):
            return Room(self, RoomId(id_or_alias))
        found = await self.call(ResolveAlias(room_alias=id_or_alias))  # type: ignore[arg-type]  # parsed there
        return Room(self, found.room_id)

    async def send(
        self,
        room_id: RoomId,
        event_type: str,
        content: JsonObject,
        *,
        txn: str | None = None,
    ) -> EventId:
        """Send through the outbox, now or when there is a connection.

        Returns when the server has stored it. Raises MatrixError if it refuses.
        """
        txn_id = TxnId(txn or new_txn())
        now_ms = self._now_ms()
        self._tell(self.state.send(room_id, event_type, content, txn_id, now_ms))
        return await self._sent(txn_id)

    async def edit(
        self, room_id: RoomId, target: EventId, content: JsonObject
    ) -> EventId:
        """Replace the content of one's own message. Raises MatrixError."""
        txn_id = TxnId(new_txn())
        self._tell(self.state.edit(room_id, target, content, txn_id, self._now_ms()))
        return await self._sent(txn_id)

    async def redact(
        self,
        room_id: RoomId,
        target: EventId,
        reason: str | None = None,
    ) -> EventId:
        """Take the content of an event away. Raises MatrixError."""
        txn_id = TxnId(new_txn())
        now_ms = self._now_ms()
        self._tell(self.state.redact(room_id, target, txn_id, now_ms, reason))
        return await self._sent(txn_id)

    async def _sent(self, txn_id: TxnId) -> EventId:
        pending = self._waiting[txn_id] = _Pending()
        self._save_outbox()
        try:
            sent: EventId = await pending.wait()
        finally:
            self._waiting.pop(txn_id, None)
        return sent

    # news

    async def changes(self) -> AsyncIterator[tuple[Change, ...]]:
        """What changes in `state`, step by step, from now on."""
        send, receive = trio.open_memory_channel[tuple[Change, ...]](CHANGES_KEPT)
        self._watchers.add(send)
        try:
            async for changes in receive:
                yield changes
        finally:
            self._watchers.discard(send)

    def subscribe(self) -> trio.MemoryReceiveChannel[JsonObject]:
        """The room events that come from now on, in client format with `room_id`.

        In order, each once, over reconnects too. A reader more than a thousand behind
        is cut off: its channel ends.
        """
        send, receive = trio.open_memory_channel[JsonObject](CHANGES_KEPT)
        self._listeners.add(send)
        return receive

    async def events(self) -> AsyncIterator[JsonObject]:
        """`subscribe`, as an iterator."""
        async with self.subscribe() as events:
            async for event in events:
                yield event

    async def ready(self) -> None:
        """Wait until the state is there. Raises what ended the session."""
        await self._synced.wait()
        self._check_ended()

    # the connection

    async def run(self) -> None:
        """Keep connected until cancelled, or until the server asks for a new log-in.

        Raises Disconnected then.
        """
        while True:
            code, then = None, None
            try:
                async with self.transport.socket() as wire:
                    code, then = await self._serve(wire)
            except* Disconnected as group:
                code = _code_of(group)
            wait_s = self._reconnect.after(code, then)
            if wait_s is None:
                self._end(Disconnected(code, "the server does not take this session"))
            self._check_ended()
            await trio.sleep(wait_s or 0)

    async def _serve(self, wire: Wire) -> tuple[int | None, str | None]:
        self._machine = WsConnection(Role.CLIENT)
        self._wire = wire
        then: str | None = None
        code: int | None = None
        try:
            hello = frames.Hello(token=self.token, since=self.state.position)
            await self._send(hello)
            async with trio.open_nursery() as nursery:
                try:
                    then = await self._receive(wire, nursery)
                except Disconnected as error:
                    code = error.code
                nursery.cancel_scope.cancel()
        finally:
            self._wire = None
            self._disconnected()
        return code, then

    async def _receive(self, wire: Wire, nursery: trio.Nursery) -> str | None:
        quiet_s = 30.0 * QUIET_FACTOR
        while True:
            data = b""
            with trio.move_on_after(quiet_s):
                data = await wire.receive()
            if not data:
                raise Disconnected(1006, "the server is silent")
            frame = self._machine.receive_data(data)
            match frame:
                case frames.Welcome():
                    quiet_s = frame.heartbeat_ms / 1000 * QUIET_FACTOR
                    self._welcomed(nursery, frame.heartbeat_ms / 1000)
                case frames.Reply():
                    self._answered(frame)
                case frames.Push():
                    self._pushed(frame)
                case frames.Resync():
                    self._tell(self.state.resync())
                case frames.Ping():
                    await self._send(frames.Pong(frame.n))
                case frames.Goodbye():
                    return frame.then
                case _:
                    pass

    def _welcomed(self, nursery: trio.Nursery, heartbeat_s: float) -> None:
        self._reconnect.succeeded()
        self.is_connected = True
        self._connected.set()
        nursery.start_soon(self._keep_alive, heartbeat_s)
        nursery.start_soon(self._drain_outbox, nursery)
        nursery.start_soon(self._expire)

    def _disconnected(self) -> None:
        self.is_connected = False
        self._connected = trio.Event()
        for pending in self._calls.values():
            pending.fail(
                Disconnected(1006, "the connection was lost before the answer")
            )
        self._calls.clear()
        for entry in self.state.outbox.entries():
            if entry.status == "sending":
                self._tell(self.state.failed(entry.txn_id, retry=True))

    def _answered(self, frame: frames.Reply) -> None:
        pending = self._calls.get(frame.re)
        if pending is None:
            return
        if frame.err is None:
            pending.set(frame.ok)
        else:
            pending.fail(_matrix_error(frame.err))

    def _pushed(self, frame: frames.Push) -> None:
        first = not self._synced.is_set()
        known = {r: room.timeline.head for r, room in self.state.rooms.items()}
        json: JsonObject = {"push": list(frame.items)}
        if frame.at is not None:
            json["at"] = frame.at
        self._tell(self.state.apply_frame(json, self._now_ms()))
        if frame.at is not None:
            self._synced.set()
        if not first:
            self._tell_events(known)

    def _tell_events(self, known: dict[RoomId, int]) -> None:
        """Give listeners what is new in the timelines, in order and once."""
        if not self._listeners:
            return
        for room_id, room in self.state.rooms.items():
            after = known.get(room_id, room.timeline.head if not known else 0)
            for event in room.timeline.events():
                seq = event.get("unsigned", {}).get("org.chatproto.seq", 0)
                if seq > after:
                    self._give({**event, "room_id": room_id})

    def _give(self, event: JsonObject) -> None:
        for listener in tuple(self._listeners):
            try:
                listener.send_nowait(event)
            except (trio.WouldBlock, trio.BrokenResourceError):
                listener.close()
                self._listeners.discard(listener)

    async def _keep_alive(self, heartbeat_s: float) -> None:
        number = 0
        acknowledged: str | None = None
        while True:
            await trio.sleep(min(heartbeat_s, ACK_EVERY_S))
            number += 1
            position = self.state.position
            try:
                if position is not None and position != acknowledged:
                    await self._send(frames.Ack(position))
                    acknowledged = position
                await self._send(frames.Ping(number))
            except Disconnected:
                return

    async def _expire(self) -> None:
        while True:
            await trio.sleep(1)
            self._tell(self.state.expire(self._now_ms()))

    # the outbox

    async def _drain_outbox(self, nursery: trio.Nursery) -> None:
        """Send what is ready, each room's messages one after the other."""
        while True:
            self._outbox_changed = trio.Event()
            for entry in self.state.outbox.ready():
                self._tell(self.state.sending(entry.txn_id))
                nursery.start_soon(self._send_entry, entry)
            await self._outbox_changed.wait()

    async def _send_entry(self, entry: Outgoing) -> None:
        try:
            sent: Sent = await self._ask(_request(entry))
        except Disconnected:
            return  # it is waiting again, for the next connection
        except MatrixError as error:
            await self._refused(entry, error)
        else:
            self._tell(self.state.sent(entry.txn_id, sent.event_id, sent.seq))
            self._save_outbox()
            if entry.txn_id in self._waiting:
                self._waiting[entry.txn_id].set(sent.event_id)
        self._outbox_changed.set()

    async def _refused(self, entry: Outgoing, error: MatrixError) -> None:
        retry = error.retry_after_ms is not None
        if retry:
            await trio.sleep((error.retry_after_ms or 0) / 1000)
        self._tell(self.state.failed(entry.txn_id, error.to_json(), retry=retry))
        self._save_outbox()
        if not retry and entry.txn_id in self._waiting:
            self._waiting[entry.txn_id].fail(error)

    def _save_outbox(self) -> None:
        if self._file is not None:
            self._file.save(self.state.outbox)
        self._outbox_changed.set()

    # the end

    def _tell(self, changes: tuple[Change, ...]) -> None:
        for watcher in self._watchers if changes else ():
            try:
                watcher.send_nowait(changes)
            except trio.WouldBlock:
                watcher.close()  # it has fallen too far behind to be told in order

    def _end(self, error: BaseException) -> None:
        self._ended = error
        self._synced.set()
        self._connected.set()
        for pending in self._waiting.values():
            pending.fail(error)

    def _check_ended(self) -> None:
        if self._ended is not None:
            raise self._ended


class _Pending:
    """An answer that somebody waits for."""

    def __init__(self) -> None:
        self._event = trio.Event()
        self._value: Any = None
        self._error: BaseException | None = None

    def set(self, value: Any) -> None:
        self._value = value
        self._event.set()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._event.set()

    async def wait(self) -> Any:
        await self._event.wait()
        if self._error is not None:
            raise self._error
        return self._value


def new_txn() -> str:
    """A transaction ID that no other program makes."""
    return f"c{os.urandom(9).hex()}"


def _request(entry: Outgoing) -> Call[Sent]:
    if entry.kind == REDACT:
        assert entry.target is not None
        return RedactEvent(
            room_id=entry.room_id,
            event_id=entry.target,
            txn_id=entry.txn_id,
            reason=entry.content.get("reason"),
        )
    if entry.kind == REPLACE:
        assert entry.target is not None
        return EditMessage(
            room_id=entry.room_id,
            event_id=entry.target,
            txn_id=entry.txn_id,
            content=entry.content,
        )
    return SendEvent(
        room_id=entry.room_id,
        event_type=entry.type,
        txn_id=entry.txn_id,
        content=entry.content,
    )


def _matrix_error(json: JsonObject) -> MatrixError:
    known = ("errcode", "error", "retry_after_ms")
    return MatrixError(
        str(json.get("errcode", "M_UNKNOWN")),
        str(json.get("error", "")),
        retry_after_ms=json.get("retry_after_ms"),
        extra={key: value for key, value in json.items() if key not in known},
    )


def _code_of(group: BaseExceptionGroup[Disconnected]) -> int | None:
    for error in group.exceptions:
        if isinstance(error, Disconnected):
            return error.code
    return None


__all__ = ["Disconnected", "Session", "connect", "new_txn"]
