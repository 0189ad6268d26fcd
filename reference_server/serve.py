"""Serving: from settings to an open port, and a clean end."""

from __future__ import annotations

import signal
import sys
from functools import partial
from typing import Any

import click
import structlog
import trio
from attrs import define

from chatproto.canonical import dumps
from chatproto.server.socket import SocketSettings, serve_socket
from chatproto.wire.http import Router
from reference_server import logs
from reference_server.app import Server, open_server
from reference_server.config import Config, ConfigError
from reference_server.demo import USERS, make_demo
from reference_server.users import has_admin
from reference_server.web import listener
from reference_server.web.http import make_quart
from reference_server.web.limits import HttpLimits, SocketLimits
from reference_server.web.media import MediaApp
from reference_server.web.sockets import OpenSockets
from reference_server.web.static import ClientFiles

_log = structlog.get_logger("chatproto.serve")


async def serve(
    config: Config,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until SIGTERM or SIGINT; `task_status` reports the URL.

    Raises ConfigError if the address cannot be bound.
    """
    # The writer has to get the interpreter's lock back after each statement; the
    # default of 5 ms lets it wait that long beside a busy loop.
    sys.setswitchinterval(0.001)
    logs.configure(config.log_format, config.log_level)
    shutdown = trio.Event()
    async with open_server(config) as server, trio.open_nursery() as nursery:
        if config.demo:
            await make_demo(server.engine)
        nursery.start_soon(_stop_on_signal, shutdown)
        try:
            bound = await nursery.start(partial(_listen, server, shutdown))
        except OSError as error:
            raise ConfigError(f"cannot listen on {config.listen}: {error}") from None
        url = _url(config, bound)
        await _announce(server, url)
        task_status.started(url)
        await shutdown.wait()
        server.engine.answer_waiting()


async def _listen(
    server: Server,
    shutdown: trio.Event,
    *,
    task_status: trio.TaskStatus[list[listener.Address]],
) -> None:
    await listener.serve(
        make_app(server, shutdown),
        make_sockets(server),
        [server.config.address],
        shutdown=shutdown,
        limits=http_limits(server.config),
        task_status=task_status,
    )


def http_limits(config: Config) -> HttpLimits:
    return HttpLimits(
        upload_bytes=config.upload_bytes, trusted_hops=config.trusted_hops
    )


def make_sockets(server: Server) -> OpenSockets:
    """The sockets of a server, with the limits of its settings."""
    config = server.config
    limited = config.rate_limits == "on"
    limits = SocketLimits(
        ping_seconds=config.heartbeat_ms / 1000,
        frames_per_second=100 if limited else 1e9,
        frame_burst=400 if limited else 1e9,
        strangers_per_address=20 if limited else 1_000_000,
    )
    settings = SocketSettings(
        heartbeat_ms=config.heartbeat_ms,
        max_frame=limits.message_bytes,
    )
    serve_one = partial(serve_socket, server.engine, settings=settings)
    return OpenSockets(serve_one, limits, origins=config.origins)


def make_app(server: Server, shutdown: trio.Event) -> App:
    """The ASGI application of a server."""
    router = Router(server.engine.operations)
    media = MediaApp(server.engine, server.media, server.made, router)
    quart = make_quart(server.engine, token_in_query=server.config.token_in_query)
    files = None
    if server.config.web_client:
        paths = (operation.path for operation in server.engine.operations)
        files = ClientFiles(reserved=frozenset(path.split("/")[1] for path in paths))
    return App(server, quart, media, files, shutdown)


@define(eq=False)
class App:
    """Health, files and the client are answered here, the operations by Quart."""

    server: Server
    quart: Any
    media: MediaApp
    files: ClientFiles | None
    shutdown: trio.Event

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            if scope["path"] in ("/healthz", "/readyz"):
                await self._health(scope["path"], send)
                return
            if self.media.matches(scope):
                await self.media(scope, receive, send)
                return
            if self.files is not None and self.files.matches(scope):
                await self.files(scope, receive, send)
                return
        await self.quart(scope, receive, send)

    async def _health(self, path: str, send: Any) -> None:
        state = "ok"
        if path == "/readyz":
            state = await self._readiness()
        ready = state == "ok"
        body = dumps({"status": state})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        status = 200 if ready else 503
        await send(
            {"type": "http.response.start", "status": status, "headers": headers}
        )
        await send({"type": "http.response.body", "body": body})

    async def _readiness(self) -> str:
        if self.shutdown.is_set():
            return "draining"
        engine = self.server.engine
        # Only the database being slow or gone lets so much wait for it.
        if engine.is_behind:
            return "behind"
        try:
            await engine.store.last_pos()
        except Exception:  # noqa: BLE001  # whatever it is, it is no answer
            _log.exception("the database does not answer")
            return "no database"
        return "ok"


async def _stop_on_signal(shutdown: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            shutdown.set()
            return


def _url(config: Config, bound: list[listener.Address]) -> str:
    host, port = bound[0]
    shown = config.address[0] if config.address[1] else host
    bracketed = f"[{shown}]" if ":" in shown else shown
    return f"http://{bracketed}:{port}"


async def _announce(server: Server, url: str) -> None:
    click.echo(f"chatproto {server.config.server_name} listens on {url}")
    if server.config.demo:
        click.echo("THIS IS A DEMO: its passwords are known to everyone. Log in as")
        for user in USERS:
            role = ", administrator" if user.admin else ""
            click.echo(f"  {user.name} / {user.password}  ({user.display_name}{role})")
    elif not await has_admin(server.engine):
        click.echo(
            "There is no administrator yet. Make one with\n"
            f"  chatproto-server user add NAME --admin --data {server.config.data} "
            f"--server-name {server.config.server_name}",
        )
