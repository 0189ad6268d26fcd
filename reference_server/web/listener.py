"""One port for both bindings.

The first request of each connection is read here. A WebSocket handshake at the socket
endpoint is served at once, without Hypercorn or Quart; every other connection goes to
Hypercorn with the bytes pushed back. A handshake that comes later, on a connection
that Hypercorn keeps alive, reaches the guard, which takes the connection back.

Of Hypercorn `TCPServer`, `WorkerContext` and `Lifespan` are used, which are not
documented interfaces; tests/web/test_listener.py is the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import h11
import structlog
import trio
from attrs import define
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext

from chatproto.errors import MatrixError
from chatproto.wire.handshake import wants_websocket
from chatproto.wire.websocket import SERVICE_RESTART
from reference_server.web.connection import CONNECTION, Connection
from reference_server.web.guard import AsgiApp, Guard
from reference_server.web.heads import client_address, read_start
from reference_server.web.limits import HttpLimits
from reference_server.web.sockets import SOCKET_PATH, OpenSockets, refuse

BACKLOG = 2000

Address = tuple[str, int]

_log = structlog.get_logger("chatproto.listener")


async def serve(
    app: AsgiApp,
    sockets: OpenSockets,
    bind: Sequence[Address],
    *,
    shutdown: trio.Event,
    limits: HttpLimits | None = None,
    grace_seconds: float = 3,
    task_status: trio.TaskStatus[list[Address]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the application and the sockets until `shutdown` is set.

    `bind` are hosts and ports; port 0 takes a free one. The addresses really bound
    are what `task_status` reports. On shutdown nothing new is accepted, sockets are
    closed with 1012, and requests have `grace_seconds` to be answered.
    """
    limits = limits or HttpLimits()
    config = hypercorn_config(limits)
    state: Any = {}
    guard: Any = Guard(app, limits, sockets)  # Hypercorn wants its own TypedDicts
    wrapped = ASGIWrapper(guard)
    lifespan = Lifespan(wrapped, config, state)
    listener = Listener(wrapped, sockets, limits, config, WorkerContext(None), state)
    async with trio.open_nursery() as background:
        await background.start(lifespan.handle_lifespan)
        await lifespan.wait_for_startup()
        await background.start(sockets.run)
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as accepting:
                listeners = await open_listeners(bind)
                serve_all = partial(
                    trio.serve_listeners,
                    listener.serve,
                    listeners,
                    handler_nursery=connections,
                )
                accepting.start_soon(serve_all)
                task_status.started(list(map(bound_address, listeners)))
                await shutdown.wait()
                accepting.cancel_scope.cancel()
            await sockets.close_all(SERVICE_RESTART, "the server restarts")
            await listener.context.terminated.set()
            connections.cancel_scope.deadline = trio.current_time() + grace_seconds
        await lifespan.wait_for_shutdown()
        background.cancel_scope.cancel()


def hypercorn_config(limits: HttpLimits) -> Config:
    """What Hypercorn is told of our limits."""
    config = Config()
    config.h11_max_incomplete_size = limits.head_bytes
    config.keep_alive_timeout = limits.keep_alive_seconds
    config.include_server_header = False
    config.websocket_max_message_size = limits.json_bytes
    return config


async def open_listeners(bind: Sequence[Address]) -> list[trio.SocketListener]:
    """Listening sockets for each host and port, IPv4 and IPv6."""
    return [
        listener
        for host, port in bind
        for listener in await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    ]


def bound_address(listener: trio.SocketListener) -> Address:
    host, port = listener.socket.getsockname()[:2]
    return host, port


@define(eq=False)
class Listener:
    """Decides who serves a connection."""

    app: ASGIWrapper
    sockets: OpenSockets
    limits: HttpLimits
    config: Config
    context: WorkerContext
    state: dict[str, Any]

    async def serve(self, stream: trio.SocketStream) -> None:
        """Serve one connection; nothing that happens to it ends the others."""
        try:
            await self._serve(stream)
        except* (
            trio.BrokenResourceError,
            trio.ClosedResourceError,
            OSError,
            h11.LocalProtocolError,  # Hypercorn, when a peer breaks off in its request
        ) as gone:
            _log.debug("connection_broken", error=repr(gone.exceptions[0]))
        except* Exception:  # noqa: BLE001  # the other connections go on
            _log.exception("connection_failed")
        finally:
            await trio.aclose_forcefully(stream)

    async def _serve(self, stream: trio.SocketStream) -> None:
        try:
            start = await read_start(stream, self.limits)
        except MatrixError as error:
            await refuse(stream, error, self.limits.linger_seconds)
            return
        if start is None:
            return
        head = start.head
        if head.method == "GET" and head.path == SOCKET_PATH:
            peer = stream.socket.getpeername()[0]
            hops = self.limits.trusted_hops
            address = client_address(peer, head.headers, hops)
            await self.sockets.serve(stream, head, address, start.rest)
            return
        data = (
            start.for_hypercorn() if wants_websocket(head) else start.raw + start.rest
        )
        await self._hand_over(Connection(stream, data))

    async def _hand_over(self, connection: Connection) -> None:
        state: Any = {**self.state, CONNECTION: connection}
        stream: Any = connection  # what TCPServer uses of a trio.SocketStream
        server = TCPServer(self.app, self.config, self.context, state, stream)
        # Or the descriptor would be held until the time of keeping alive is over.
        connection.on_end = server.idle_task.stop
        with trio.CancelScope() as scope:
            # Its reader would wait for ever where a peer has sent the next request
            # already, and then takes no answer to this one.
            connection.on_broken = scope.cancel
            await server
