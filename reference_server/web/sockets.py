"""All open sockets: who may open one, whether they still live, and their end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence

import structlog
import trio

from chatproto.errors import MatrixError
from chatproto.wire.handshake import RequestHead, accept_response
from chatproto.wire.websocket import INTERNAL_ERROR, NORMAL
from reference_server.web.answers import raw_error
from reference_server.web.channel import Peer, SocketChannel
from reference_server.web.limits import SocketLimits

SOCKET_PATH = "/_chatproto/v1/socket"

_log = structlog.get_logger("chatproto.socket")

ServeSocket = Callable[[SocketChannel], Awaitable[None]]


class OpenSockets:
    """The registry of sockets, with one task that watches over all of them.

    `serve_socket` is the session code: it is given each channel after the handshake
    and serves it until it returns. `origins` are the pages that may open sockets,
    where there are any; programs send none and may. `clock` gives seconds, `jitter` a number in [0, 1).
    `run` must be going on while sockets are served.
    """

    def __init__(
        self,
        serve_socket: ServeSocket,
        limits: SocketLimits | None = None,
        *,
        origins: Sequence[str] = (),
        clock: Callable[[], float] = trio.current_time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._serve_socket = serve_socket
        self._limits = limits or SocketLimits()
        self._origins = frozenset(origins)
        self._clock = clock
        self._jitter = jitter
        self._channels: set[SocketChannel] = set()
        self._strangers: Counter[str] = Counter()
        self._nursery: trio.Nursery

    def __len__(self) -> int:
        return len(self._channels)

    def __iter__(self) -> Iterator[SocketChannel]:
        return iter(tuple(self._channels))

    async def run(
        self,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Look after the sockets until cancelled."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            while True:
                await trio.sleep(self._limits.sweep_seconds)
                self.sweep()

    def sweep(self) -> None:
        """Ping those whose time has come, and cut off those who do not answer."""
        now = self._clock()
        for channel in self:
            channel.check_pulse(now, self._next_ping(now))

    def _next_ping(self, now: float) -> float:
        return now + self._limits.ping_seconds * (0.75 + self._jitter() / 2)

    async def serve(
        self,
        stream: trio.SocketStream,
        head: RequestHead,
        address: str,
        rest: bytes = b"",
    ) -> None:
        """Serve one connection from its handshake to its end.

        `rest` is what has arrived after the head.
        """
        try:
            answer = accept_response(head)
            peer = Peer(
                address=address,
                user_agent=head.text(b"user-agent") or "",
                origin=head.text(b"origin"),
            )
            self._require_origin(peer.origin)
            self._let_in(address)
        except MatrixError as error:
            await refuse(stream, error, self._limits.close_seconds)
            return
        await self._serve(self._open(stream, peer, answer, rest))

    def _require_origin(self, origin: str | None) -> None:
        if self._origins and origin is not None and origin not in self._origins:
            raise MatrixError(
                "M_FORBIDDEN", "pages of this origin open no sockets here"
            )

    def _let_in(self, address: str) -> None:
        if self._strangers[address] >= self._limits.strangers_per_address:
            raise MatrixError(
                "M_LIMIT_EXCEEDED",
                "too many sockets from this address have not said hello",
                retry_after_ms=1000,
            )
        self._strangers[address] += 1

    def _forget_stranger(self, address: str) -> None:
        self._strangers[address] -= 1
        if not self._strangers[address]:
            del self._strangers[address]

    def _open(
        self,
        stream: trio.SocketStream,
        peer: Peer,
        answer: bytes,
        rest: bytes,
    ) -> SocketChannel:
        channel = SocketChannel(
            stream,
            peer,
            self._nursery,
            self._limits,
            self._clock,
            lambda: self._forget_stranger(peer.address),
        )
        channel.ping_at = self._next_ping(self._clock())
        channel.outbox.push(answer)
        channel.feed(rest)
        return channel

    async def _serve(self, channel: SocketChannel) -> None:
        self._channels.add(channel)
        try:
            await self._serve_socket(channel)
            await channel.close(NORMAL)
        except Exception:  # noqa: BLE001  # whatever it is, the peer is told 1011
            _log.exception("session_failed", address=channel.remote_address)
            await channel.close(INTERNAL_ERROR, "the server has failed")
        finally:
            self._channels.discard(channel)
            channel.authenticated()  # it counts as a stranger no longer
            channel.cut()

    async def close_all(self, code: int, reason: str, then: str = "resume") -> None:
        """Say goodbye to everyone, and wait until all have gone."""
        for channel in self:
            channel.end(code, reason, then)
        for channel in self:
            await channel.wait_closed()


async def refuse(stream: trio.SocketStream, error: MatrixError, linger: float) -> None:
    """Answer with an error and hang up, so that the answer is not lost.

    A connection closed with unread bytes is reset, which may overtake the answer:
    so what still comes is read and dropped, for `linger` seconds at most.
    """
    try:
        with trio.move_on_after(linger):
            await stream.send_all(raw_error(error))
            await stream.send_eof()
            while await stream.receive_some(64 * 1024):
                pass
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    finally:
        await trio.aclose_forcefully(stream)
