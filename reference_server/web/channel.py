"""One WebSocket connection, as the session code sees it.

It is a `chatproto.server.socket.Channel`: the messages that come in, and a bounded sink
for those that go out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import trio
from attrs import frozen

from chatproto.canonical import dumps
from chatproto.wire.websocket import (
    NEED_DATA,
    POLICY_VIOLATION,
    Close,
    Encoded,
    FrameError,
    FrameEvent,
    FrameReader,
    Ping,
    Text,
    close_frame,
    ping_frame,
    pong_frame,
    text_frame,
)
from reference_server.web.limits import FrameBucket, SocketLimits
from reference_server.web.outbox import Outbox

RECEIVE_BYTES = 16 * 1024
NO_PONG = 4408


@frozen(kw_only=True)
class Peer:
    """Who is at the other end, from the handshake."""

    address: str
    user_agent: str = ""
    origin: str | None = None


class SocketChannel:
    """A channel straight on a TCP connection.

    `nursery` outlives the connection; `clock` gives seconds. `on_authenticated` is
    called at most once.
    """

    __slots__ = (
        "_bucket",
        "_charged",
        "_clock",
        "_closing",
        "_gone",
        "_limits",
        "_nursery",
        "_on_authenticated",
        "_over",
        "_peer",
        "_reader",
        "_reading",
        "_stream",
        "heard_at",
        "is_stranger",
        "outbox",
        "ping_at",
        "pinged_at",
    )

    def __init__(
        self,
        stream: trio.SocketStream,
        peer: Peer,
        nursery: trio.Nursery,
        limits: SocketLimits,
        clock: Callable[[], float],
        on_authenticated: Callable[[], None],
    ) -> None:
        now = clock()
        self._stream = stream
        self._nursery = nursery
        self._peer = peer
        self._limits = limits
        self._clock = clock
        self._on_authenticated = on_authenticated
        self._reader = FrameReader(limits.message_bytes)
        self._bucket = FrameBucket(limits, now)
        self._charged = 0
        self._reading = False
        self._closing = False
        self._over = False
        self._gone: trio.Event | None = None
        self.outbox = Outbox(stream.socket, nursery, limits, clock)
        self.is_stranger = True
        self.heard_at = now
        self.ping_at = now + limits.ping_seconds
        self.pinged_at: float | None = None

    @property
    def remote_address(self) -> str:
        return self._peer.address

    @property
    def user_agent(self) -> str:
        return self._peer.user_agent

    @property
    def origin(self) -> str | None:
        return self._peer.origin

    @property
    def pending_bytes(self) -> int:
        return self.outbox.pending_bytes

    def authenticated(self) -> None:
        """Say that the client is known, so that its address may have another."""
        if self.is_stranger:
            self.is_stranger = False
            self._on_authenticated()

    def push(self, frame: Encoded) -> bool:
        """Send without waiting; False when the client is too far behind or gone."""
        return not self._closing and self.outbox.push(frame.frame)

    def queue(self, frame: Encoded) -> bool:
        """Like `push`, but on its way only with the next `flush` or `push`."""
        return not self._closing and self.outbox.queue(frame.frame)

    def flush(self) -> bool:
        """Send what is queued with one call to the kernel; False when gone."""
        return self.outbox.flush()

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Name what to call each time that a client has caught up."""
        self.outbox.on_drained = callback

    async def drained(self) -> None:
        """Wait until the client has caught up, or is gone."""
        await self.outbox.drained()

    def end(self, code: int, reason: str, then: str) -> None:
        """Say goodbye and close, in a task of its own.

        `then` tells the client what to do next: resume, login or back-off.
        """
        if not self.is_stranger and not self._closing:
            goodbye = dumps({"goodbye": {"reason": reason, "then": then}})
            self.outbox.push_last(text_frame(goodbye))
        self._nursery.start_soon(self.close, code, reason)

    def feed(self, data: bytes) -> None:
        """Take bytes that came together with the handshake."""
        self._reader.feed(data)

    async def receive(self) -> bytes | None:
        """The next message; None when the connection is over."""
        while not self._over:
            try:
                event = self._reader.next_event()
            except FrameError as error:
                await self._close_broken(error.close_code, error.reason)
                return None
            if not self._pay():
                await self._close_broken(POLICY_VIOLATION, "too many frames")
                return None
            if event is NEED_DATA:
                await self._read()
            elif isinstance(event, Text):
                if not self._closing:
                    return event.payload
            else:
                self._control(event)
        return None

    def _pay(self) -> bool:
        new = self._reader.frames - self._charged
        self._charged += new
        if not new or self._closing:
            return True
        return self._bucket.take(new, self._clock())

    async def _read(self) -> None:
        self._reading = True
        try:
            data = await self._stream.receive_some(RECEIVE_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        finally:
            self._reading = False
        self.heard_at = self._clock()
        if data:
            self._reader.feed(bytes(data))
        else:
            self.cut()

    def _control(self, event: FrameEvent) -> None:
        if isinstance(event, Ping):
            if not self._closing:
                self.outbox.push(pong_frame(event.payload))
        elif isinstance(event, Close):
            if not self._closing:
                self._closing = True
                self.outbox.push_last(close_frame(event.code))
            self.cut()

    async def close(self, code: int, reason: str = "") -> None:
        """Send a Close and wait for the peer's, within the limit; then cut."""
        await self._close(code, reason, expect_answer=True)

    async def _close_broken(self, code: int, reason: str) -> None:
        await self._close(code, reason, expect_answer=False)

    async def _close(self, code: int, reason: str, *, expect_answer: bool) -> None:
        if self._over:
            return
        if not self._closing:
            self._closing = True
            self.outbox.push_last(close_frame(code, reason))
        try:
            with trio.move_on_after(self._limits.close_seconds):
                await self._part(expect_answer=expect_answer)
        finally:
            self.cut()

    async def _part(self, *, expect_answer: bool) -> None:
        await self.outbox.drained()
        if not expect_answer:
            # No more frames are read, so that the peer's Close would not be seen:
            # the end of ours makes a well-behaved peer hang up.
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self._stream.send_eof()
        while not self._over:
            if self._reading:
                await self.wait_closed()
            else:
                await self._await_close()

    async def _await_close(self) -> None:
        try:
            for event in self._reader:
                if isinstance(event, Close):
                    self.cut()
        except FrameError:
            self.cut()
        if not self._over:
            await self._read()

    def check_pulse(self, now: float, next_ping: float) -> None:
        """Ping a peer when it is time, or cut one that shows no sign of life.

        Times in seconds; `next_ping` is when to ask again once it has answered.
        Whatever arrives is a sign of life, and so is taking what was sent.
        """
        if self._closing:
            return
        alive_at = max(self.heard_at, self.outbox.progressed_at)
        if self.pinged_at is None:
            if now >= self.ping_at:
                self.pinged_at = now
                self.outbox.push(ping_frame())
        elif alive_at >= self.pinged_at:
            self.pinged_at = None
            self.ping_at = next_ping
        elif now - self.pinged_at >= self._limits.pong_seconds:
            self.outbox.push_last(close_frame(NO_PONG, "no pong in time"))
            self.cut()

    async def wait_closed(self) -> None:
        """Wait until the connection has been cut."""
        if not self._over:
            if self._gone is None:
                self._gone = trio.Event()
            await self._gone.wait()

    def cut(self) -> None:
        """End the connection without a word."""
        self._over = self._closing = True
        self._stream.socket.close()
        if self._gone is not None:
            self._gone.set()
