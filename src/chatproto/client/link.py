"""A session's connection: opened, kept alive, and opened again when it ends.

Theory of operation. One task opens a socket, says hello with the position reached, and
reads until the end; a second one keeps it alive and does what is to be done while it
is open. After the end, close code and goodbye decide when to try again, and whether
with new tokens. A connection whose tokens are about to end is closed once all calls
on it are answered, and opened again with new ones.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from attrs import frozen

from chatproto.client.groups import only_error
from chatproto.client.reconnect import LOGIN_CODES, Reconnect
from chatproto.client.tokens import Credentials
from chatproto.client.transport import Disconnected, Transport, Wire
from chatproto.errors import ChatprotoError, MatrixError
from chatproto.wire import frames
from chatproto.wire.ws import Role, WsConnection

HEARTBEAT_S = 30.0  # until the welcome says otherwise
QUIET_FACTOR = 2.5  # heartbeats without a word after which a connection is given up
ACK_EVERY_S = 20.0
GOODBYE_S = 5.0  # what a server that said goodbye gets to send what is left
SETTLE_S = 5.0  # what calls get to be answered before tokens are replaced
RENEW_AGAIN_S = 10.0
MIN_TOKEN_LIFE_S = 1.0  # so that a server with senseless tokens is not flooded


@frozen(kw_only=True)
class Guest:
    """Whom a link serves.

    `position` says from where to resume. `take` takes over a reply, a push or a
    resync. `work` is what is to be done while the connection is open; it is cancelled
    at the end. `settled` waits until no call is on its way. `lost` is called when the
    connection has ended, and with it what was on its way.
    """

    position: Callable[[], str | None]
    take: Callable[[frames.Frame], None]
    work: Callable[[], Awaitable[None]]
    settled: Callable[[], Awaitable[None]]
    lost: Callable[[], None]


class NotSent(Disconnected):
    """What was to be sent has not been; it can be sent over the next connection."""


class Link:
    """Keeps `guest` connected by `transport`, with `credentials`."""

    def __init__(
        self,
        guest: Guest,
        transport: Transport,
        credentials: Credentials,
        reconnect: Reconnect,
    ) -> None:
        self._guest = guest
        self._transport = transport
        self._credentials = credentials
        self._reconnect = reconnect
        self._machine = WsConnection(Role.CLIENT)
        self._wire: Wire | None = None
        self._open = trio.Event()
        self._scope = trio.CancelScope()
        self.token = ""  # with which the present connection was opened
        self._on_trial: str | None = None
        self._goodbye: frames.Goodbye | None = None
        self._is_renewing = False
        self.ended: ChatprotoError | None = None

    @property
    def is_open(self) -> bool:
        return self._open.is_set() and self.ended is None

    async def wait_open(self) -> None:
        """Wait for a connection. Raises what has ended the link for good."""
        while not self.is_open:
            self.check_ended()
            await self._open.wait()

    def check_ended(self) -> None:
        if self.ended is not None:
            raise self.ended

    async def send(self, frame: frames.Frame) -> None:
        """Raises NotSent."""
        if not self.is_open:
            raise NotSent(None, "not connected")
        try:
            await self._send(frame)
        except Disconnected as error:
            self._shut()
            raise NotSent(error.code, error.reason) from None

    async def renew(self, used: str) -> None:
        """Replace the access token `used`, and the connection opened with it.

        Raises MatrixError if the server refuses, Disconnected.
        """
        await self._credentials.renew(used)
        if used == self.token:
            self._is_renewing = True
            self._shut()
            self._scope.cancel()

    async def run(self) -> None:
        """Keep connected until cancelled, or until there is no use.

        Raises what has ended it: MatrixError if one has to log in again, Disconnected
        if the server wants no more of this client, RemoteError if it broke the protocol.
        """
        try:
            while True:
                closed = await self._connect()
                await trio.sleep(await self._pause_s(closed))
        except ChatprotoError as error:
            self.ended = error
            raise
        finally:
            self.ended = self.ended or Disconnected(None, "the session has ended")
            self._open.set()

    async def _pause_s(self, closed: Disconnected | None) -> float:
        """How long to wait before the next connection."""
        goodbye, code = self._goodbye, None if closed is None else closed.code
        if self._is_renewing:
            return 0
        then = None if goodbye is None else goodbye.then
        if then == "login" or code in LOGIN_CODES:
            return await self._log_in_again()
        wait_s = self._reconnect.after(code, then)
        if wait_s is None:
            reason = "" if closed is None else f": {closed.reason}"
            raise Disconnected(code, f"the server wants no more of this client{reason}")
        asked_ms = 0 if goodbye is None else goodbye.after_ms or 0
        return max(wait_s, asked_ms / 1000)

    async def _log_in_again(self) -> float:
        reason = "the access token is not good any more"
        if self._goodbye is not None:
            reason = self._goodbye.reason or reason
        if self.token == self._on_trial or not self._credentials.can_renew:
            raise MatrixError("M_UNKNOWN_TOKEN", reason)
        try:
            await self._credentials.renew(self.token)
        except Disconnected:
            return self._reconnect.failed()
        self._on_trial = self._credentials.tokens.access
        return 0

    # one connection

    async def _connect(self) -> Disconnected | None:
        """Open a connection and serve it to its end; gives how it was closed."""
        self._goodbye, self._is_renewing = None, False
        try:
            async with self._transport.socket() as wire:
                await self._serve(wire)
        except Disconnected as closed:
            return closed
        except BaseExceptionGroup as group:
            error = only_error(group)
            if isinstance(error, Disconnected):
                return error
            raise error from None
        return None

    async def _serve(self, wire: Wire) -> None:
        self._machine = WsConnection(Role.CLIENT)
        self._wire = wire
        self.token = self._credentials.tokens.access
        try:
            await self._send(
                frames.Hello(token=self.token, since=self._guest.position())
            )
            with trio.CancelScope() as self._scope:
                async with trio.open_nursery() as nursery:
                    await self._receive(wire, nursery)
        finally:
            self._wire = None
            self._shut()
            self._guest.lost()

    async def _receive(self, wire: Wire, nursery: trio.Nursery) -> None:
        quiet_s = HEARTBEAT_S * QUIET_FACTOR
        work = trio.CancelScope()
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
                    self._welcomed()
                    nursery.start_soon(self._work, work, frame.heartbeat_ms / 1000)
                case frames.Ping():
                    await self._send(frames.Pong(frame.n))
                case frames.Goodbye():
                    self._goodbye = frame
                    self._shut()
                    work.cancel()
                    self._scope.deadline = trio.current_time() + GOODBYE_S
                case _:
                    self._guest.take(frame)

    def _welcomed(self) -> None:
        self._reconnect.succeeded()
        self._on_trial = None
        self._open.set()

    async def _work(self, scope: trio.CancelScope, heartbeat_s: float) -> None:
        with scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_alive, heartbeat_s)
                nursery.start_soon(self._renew_in_time)
                nursery.start_soon(self._guest.work)

    async def _keep_alive(self, heartbeat_s: float) -> None:
        number = 0
        acknowledged: str | None = None
        while True:
            await trio.sleep(min(heartbeat_s, ACK_EVERY_S))
            number += 1
            position = self._guest.position()
            try:
                if position is not None and position != acknowledged:
                    await self._send(frames.Ack(position))
                    acknowledged = position
                await self._send(frames.Ping(number))
            except Disconnected:
                return  # who reads will notice too

    async def _renew_in_time(self) -> None:
        while (due_s := self._credentials.due_in_s()) is not None:
            await trio.sleep(max(due_s, MIN_TOKEN_LIFE_S))
            self._shut()
            with trio.move_on_after(SETTLE_S):
                await self._guest.settled()
            try:
                await self.renew(self.token)
            except (MatrixError, Disconnected):
                self._open.set()  # the old token may still do; if not, we shall hear
                await trio.sleep(RENEW_AGAIN_S)

    def _shut(self) -> None:
        """Begin nothing more on this connection."""
        if self._open.is_set():
            self._open = trio.Event()

    async def _send(self, frame: frames.Frame) -> None:
        if self._wire is None:
            raise Disconnected(None, "not connected")
        await self._wire.send(self._machine.send(frame))
