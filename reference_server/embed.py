"""Chat inside an application of one's own: its users, its process, its port.

    chat = Chat("chat-data", server_name="example.org")

    async with chat.open():
        await chat.serve(app, "127.0.0.1", 8000)      # app: any ASGI application

The application says who its users are by asking for tokens (`chat.token_for`), which it
hands to their browsers or programs; nobody logs in to the chat itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, evolve, field

from chatproto.decisions import Decision, Put, Update
from chatproto.errors import LocalError
from chatproto.ids import DeviceId, UserId, parse_new_localpart, user_id
from chatproto.server.appservices.registration import Registration
from chatproto.server.engine import Engine
from chatproto.server.handlers.sessions import user_row
from chatproto.server.tokens import (
    ACCESS_PREFIX,
    KIND_ACCESS,
    TOKEN_BYTES,
    hash_token,
    make_token,
)
from reference_server.app import Server, open_server
from reference_server.config import Config
from reference_server.serve import http_limits, make_app, make_sockets
from reference_server.users import OPERATOR, find_user
from reference_server.web import listener

# What the chat answers; all other paths are the application's.
PREFIXES = ("/_matrix/", "/_chatproto/", "/.well-known/matrix/")


@define(eq=False)
class Chat:
    """A chat server to be mounted beside an ASGI application.

    `data` is the folder of its database; `config` may set what `chatproto-server
    serve` can (limits, modules), but not where it listens; `appservices` are bridges,
    besides those whose registration files `config` names.
    """

    data: str
    server_name: str
    config: Config = field(factory=Config)
    appservices: Sequence[Registration] = ()
    _server: Server | None = None

    @property
    def engine(self) -> Engine:
        """The engine; raises LocalError outside of `open`."""
        return self._opened().engine

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Chat]:
        """Keep the chat running for the time of the block."""
        config = evolve(self.config, data=self.data, server_name=self.server_name)
        async with open_server(config, self.appservices) as self._server:
            try:
                yield self
            finally:
                self._server = None

    async def token_for(
        self,
        login: str,
        *,
        display_name: str | None = None,
        admin: bool = False,
        device: str = "EMBEDDED",
    ) -> str:
        """An access token for a user of the application, made known if need be.

        Raises MatrixError if the login cannot be a user name.
        """
        user = user_id(parse_new_localpart(login), self.engine.server)
        await self._make_known(user, display_name, admin=admin)
        token = make_token(ACCESS_PREFIX, self.engine.random(TOKEN_BYTES))
        await self.engine.commit(OPERATOR, self._session(user, device, token))
        return token

    async def serve(
        self,
        app: Any,
        host: str,
        port: int,
        *,
        shutdown: trio.Event | None = None,
        task_status: trio.TaskStatus[list[listener.Address]] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve the application and the chat on one port until `shutdown` is set."""
        server = self._opened()
        shutdown = shutdown or trio.Event()
        await listener.serve(
            self.mounted(app, shutdown),
            make_sockets(server),
            [(host, port)],
            shutdown=shutdown,
            limits=http_limits(server.config),
            task_status=task_status,
        )

    def mounted(self, app: Any, shutdown: trio.Event) -> Any:
        """The application with the chat beside it, as one ASGI application."""
        chat = make_app(self._opened(), shutdown)

        async def both(scope: Any, receive: Any, send: Any) -> None:
            ours = scope["type"] == "http" and scope["path"].startswith(PREFIXES)
            await (chat if ours else app)(scope, receive, send)

        return both

    def _opened(self) -> Server:
        if self._server is None:
            raise LocalError("the chat is not open; use `async with chat.open()`")
        return self._server

    async def _make_known(
        self,
        user: UserId,
        display_name: str | None,
        *,
        admin: bool,
    ) -> None:
        known = await find_user(self.engine, user)
        if known is None:
            row = user_row(
                user,
                password_hash=None,
                now_ms=self.engine.clock.now_ms(),
                is_admin=admin,
                display_name=display_name,
            )
            write: Put | Update = Put(table="users", row=row)
        else:
            changes: dict[str, Any] = {"is_admin": int(admin)}
            if display_name is not None:
                changes["display_name"] = display_name
            write = Update(table="users", where={"user_id": user}, set=changes)
        await self.engine.commit(OPERATOR, Decision(writes=(write,)))

    def _session(self, user: UserId, device: str, token: str) -> Decision:
        now_ms = self.engine.clock.now_ms()
        device_id = DeviceId(device)
        row = {
            "user_id": user,
            "device_id": device_id,
            "display_name": device,
            "created_ts": now_ms,
            "last_seen_ts": now_ms,
            "last_seen_ip": None,
        }
        access = {
            "token_hash": hash_token(token),
            "user_id": user,
            "device_id": device_id,
            "kind": KIND_ACCESS,
            "expires_ts": None,
            "created_ts": now_ms,
        }
        return Decision(
            writes=(Put(table="devices", row=row), Put(table="tokens", row=access)),
        )
