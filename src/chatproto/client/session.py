"""A session: one account's connection to its server, kept up.

Calls wait for a connection. Messages go through the outbox of the state: they are shown
at once, and sent in order room by room, now or when there is a connection. How it is
kept up, `chatproto.client.upkeep` tells.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import trio

from chatproto.canonical import JsonObject
from chatproto.client.files import Download, Progress
from chatproto.client.groups import only_error
from chatproto.client.login import log_in, with_token
from chatproto.client.media import Files
from chatproto.client.modules import (
    AnyReducer,
    operations_with,
    policy_with,
    reducers_of,
)
from chatproto.client.outbox import OutboxFile
from chatproto.client.reconnect import Backoff
from chatproto.client.sending import Unsent, new_txn
from chatproto.client.tokens import Credentials, TokenStore, system_ms
from chatproto.client.transport import Disconnected, NetworkTransport, Transport
from chatproto.client.upkeep import Upkeep
from chatproto.ids import DeviceId, EventId, MxcUri, RoomAlias, RoomId, TxnId, UserId
from chatproto.module import Module
from chatproto.operations.accounts import WHOAMI, WhoAmI
from chatproto.operations.declare import Call, OperationTable
from chatproto.operations.rooms import ResolveAlias
from chatproto.operations.table import OPERATIONS
from chatproto.sync.changes import Change
from chatproto.sync.store import ClientState

if TYPE_CHECKING:
    from chatproto.client.rooms import Room

R = TypeVar("R")


@asynccontextmanager
async def connect(
    url: str,
    *,
    token: str | None = None,
    user: str | None = None,
    password: str | None = None,
    tokens: TokenStore | None = None,
    outbox: Path | None = None,
    modules: Sequence[Module] = (),
    reducers: Sequence[AnyReducer] = (),
    operations: OperationTable = OPERATIONS,
    transport: Transport | None = None,
    backoff: Backoff | None = None,
    keep_events: int | None = None,
    now_ms: Callable[[], int] = system_ms,
) -> AsyncGenerator[Session]:
    """A live session for the time of the block.

    Give a `token`, or `user` and `password` to log in, or `tokens`, where a log-in is
    kept with what replaces it when it runs out. `outbox` is a file in which messages
    wait that could not be sent yet. `modules` are those of the server: their operations
    can be called, and their reducers, like those in `reducers`, make `extensions` of
    every room. `backoff` says how long to wait between attempts to connect. Of each
    room at least the newest `keep_events` stay in memory; None: all that have come.
    `now_ms` is the time of day in milliseconds since the epoch.

    Raises MatrixError if the log-in is refused, or ended later, and Disconnected if
    the server cannot be reached to begin with.
    """
    own = NetworkTransport(url) if transport is None else None
    network = transport or own
    assert network is not None
    file = None if outbox is None else OutboxFile(outbox)
    try:
        credentials = await log_in(
            network,
            token=token,
            user=user,
            password=password,
            store=tokens,
            device_id=None if file is None else file.load().device_of(user),
            now_ms=now_ms,
        )
        who = await with_token(
            credentials, lambda used: network.call(WHOAMI, WhoAmI(), used)
        )
        state = ClientState(
            user_id=who.user_id,
            policy=policy_with(modules),
            reducers=reducers_of(modules, reducers),
        )
        session = Session(
            network,
            credentials,
            state,
            who.device_id,
            operations=operations_with(operations, modules),
            outbox=file,
            backoff=backoff,
            keep_events=keep_events,
            now_ms=now_ms,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(session.run)
            await session.ready()
            yield session
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        error = only_error(group)
    else:
        return
    finally:
        if own is not None:
            await own.aclose()
    raise error


class Session:
    """What `connect` gives: calls, rooms, and the live `state` of the account."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        state: ClientState,
        device_id: DeviceId | None,
        *,
        operations: OperationTable = OPERATIONS,
        outbox: OutboxFile | None = None,
        backoff: Backoff | None = None,
        keep_events: int | None = None,
        now_ms: Callable[[], int] = system_ms,
    ) -> None:
        self.state = state
        self.device_id = device_id
        self._files = Files(transport, credentials)
        self._upkeep = Upkeep(
            transport,
            credentials,
            state,
            device_id,
            operations=operations,
            outbox=outbox,
            backoff=backoff,
            keep_events=keep_events,
            now_ms=now_ms,
        )

    @property
    def user_id(self) -> UserId:
        return self.state.user_id

    @property
    def is_connected(self) -> bool:
        return self._upkeep.link.is_open

    async def ready(self) -> None:
        """Wait until the state is there. Raises what ended the session."""
        await self._upkeep.synced.wait()
        self._upkeep.link.check_ended()

    async def run(self) -> None:
        """Keep connected until cancelled, or until there is no use.

        Raises MatrixError if one has to log in again, Disconnected if the server wants
        no more of this client, RemoteError if it broke the protocol.
        """
        await self._upkeep.run()

    async def call(self, request: Call[R]) -> R:
        """Ask the server, waiting for a connection if there is none.

        Raises MatrixError if it refuses, Disconnected if the answer was cut off: then
        what was asked may have happened.
        """
        return await self._upkeep.call(request)  # type: ignore[no-any-return]

    # rooms and messages

    async def room(self, id_or_alias: str) -> Room:
        """A handle on a room. Raises MatrixError for an alias that names none."""
        from chatproto.client.rooms import Room

        if not id_or_alias.startswith("#"):
            return Room(self, RoomId(id_or_alias))
        found = await self.call(ResolveAlias(room_alias=RoomAlias(id_or_alias)))
        return Room(self, found.room_id)

    async def load_history(self, room_id: RoomId, *, limit: int = 50) -> bool:
        """Take the page before the oldest known events of a room into `state`.

        False if there was none. Raises MatrixError, Disconnected.
        """
        room = self.state.rooms.get(room_id)
        before = None if room is None else room.timeline.before()
        if room is None or before is None:
            return False
        await self._upkeep.page(room_id, before, limit)
        return room.timeline.before() != before

    async def send(
        self,
        room_id: RoomId,
        event_type: str,
        content: JsonObject,
        *,
        txn: str | None = None,
    ) -> EventId:
        """Send through the outbox, now or when there is a connection.

        Returns when the server has stored it; the same `txn` again stores nothing
        twice. Raises MatrixError if it is refused, Unsent if it is taken back.
        """
        return await self._upkeep.sending.send(room_id, event_type, content, txn)

    async def edit(
        self, room_id: RoomId, target: EventId | TxnId, content: JsonObject
    ) -> EventId:
        """Replace the content of one's own message, by its event or transaction ID.

        One that has not been sent yet is changed where it waits. Raises MatrixError.
        """
        return await self._upkeep.sending.edit(room_id, target, content)

    async def redact(
        self,
        room_id: RoomId,
        target: EventId | TxnId,
        reason: str | None = None,
    ) -> EventId | None:
        """Take the content of an event away. Raises MatrixError.

        A message that has not been sent yet is not sent; then there is no event.
        """
        return await self._upkeep.sending.redact(room_id, target, reason)

    def retry(self, txn_id: TxnId) -> None:
        """Send what had been refused after all."""
        self._upkeep.sending.retry(txn_id)

    def cancel(self, txn_id: TxnId) -> None:
        """Take back what has not been sent yet, or was refused."""
        self._upkeep.sending.cancel(txn_id)

    async def flush(self) -> None:
        """Wait until everything in the outbox that can be sent has been."""
        await self._upkeep.sending.flushed()

    # files

    async def upload(
        self,
        path: Path,
        *,
        content_type: str = "application/octet-stream",
        progress: Progress | None = None,
    ) -> MxcUri:
        """Upload a file, in pieces. Raises MatrixError if it is refused."""
        return await self._files.upload(path, content_type, progress)

    def download(self, uri: MxcUri) -> AbstractAsyncContextManager[Download]:
        """Open a file, to be read in pieces (`async for chunk in ...`) or saved.

        Raises MatrixError if there is none, Disconnected if it breaks off.
        """
        return self._files.download(uri)

    def thumbnail(
        self,
        uri: MxcUri,
        *,
        width: int,
        height: int,
        method: str = "scale",
        animated: bool = False,
    ) -> AbstractAsyncContextManager[Download]:
        """Open a small version of a picture, at least so many pixels large, if it is.

        `method` is scale, or crop for the middle of it in just that shape. Raises as
        `download` does, and MatrixError for what is no picture.
        """
        return self._files.thumbnail(
            uri, width, height, method=method, animated=animated
        )

    # news

    def changes(self) -> trio.MemoryReceiveChannel[tuple[Change, ...]]:
        """What changes in `state`, step by step, from now on.

        A reader more than a thousand steps behind is cut off: its channel ends.
        """
        return self._upkeep.changes.follow()

    def subscribe(self) -> trio.MemoryReceiveChannel[JsonObject]:
        """The room events that come from now on, in client format with `room_id`.

        Each once and in the order of its room, over reconnects too: what the server
        left out after a long time offline is fetched, up to a thousand events of a
        room. A reader more than 50,000 behind is cut off: its channel ends.
        """
        return self._upkeep.live.follow()

    def events(self) -> trio.MemoryReceiveChannel[JsonObject]:
        """`subscribe`, to be iterated over."""
        return self.subscribe()


__all__ = ["Disconnected", "Session", "Unsent", "connect", "new_txn"]
