"""The routes of files on an engine in memory, asked as an ASGI server asks them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, field, frozen

from chatproto.canonical import loads
from chatproto.storage.media import FileMediaStore
from chatproto.testing import FrozenClock, open_engine
from chatproto.testing.engine import log_in
from chatproto.wire.http import Router
from reference_server.web.media import MediaApp

V1 = "/_matrix/client/v1/media"
V3 = "/_matrix/media/v3"
HANG_UP = None  # in place of the rest of a body


@frozen
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return loads(self.body)

    @property
    def told(self) -> tuple[int, str]:
        return self.status, self.json["errcode"]


@define(eq=False)
class Site:
    """Asks with the token of one of its users, or with none."""

    engine: Any
    app: MediaApp
    clock: FrozenClock
    tokens: dict[str, str] = field(factory=dict)

    async def ask(
        self,
        target: str,
        *,
        verb: str = "GET",
        by: str | None = "anna",
        body: Any = b"",
        **headers: str,
    ) -> Answer:
        path, _, query = target.partition("?")
        told = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        if by is not None:
            told.append((b"authorization", f"Bearer {self.tokens[by]}".encode()))
        scope = {
            "type": "http",
            "method": verb,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": told,
            "client": ("127.0.0.1", 1),
        }
        assert self.app.matches(scope), f"{verb} {path} is another's"
        parts = [body] if isinstance(body, bytes) else list(body)
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            await trio.lowlevel.checkpoint()
            part = parts.pop(0)
            if part is HANG_UP:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: dict[str, Any]) -> None:
            await trio.lowlevel.checkpoint()
            sent.append(message)

        await self.app(scope, receive, send)
        start, *rest = sent
        assert not rest[-1].get("more_body")
        return Answer(
            start["status"],
            {k.decode(): v.decode("latin-1") for k, v in start["headers"]},
            b"".join(part["body"] for part in rest),
        )

    async def upload(
        self, data: Any, kind: str = "", *, name: str = "", by: str = "anna"
    ) -> str:
        """The path of a new file: server and media ID."""
        target = f"{V3}/upload" + (f"?filename={name}" if name else "")
        answer = await self.ask(
            target, verb="POST", by=by, body=data, content_type=kind
        )
        assert answer.status == 200, answer.json
        return str(answer.json["content_uri"]).removeprefix("mxc://")

    async def download(self, path: str, **headers: str) -> Answer:
        return await self.ask(f"{V1}/download/{path}", **headers)

    async def thumbnail(self, path: str, query: str = "width=96&height=96") -> Answer:
        return await self.ask(f"{V1}/thumbnail/{path}?{query}")


@asynccontextmanager
async def open_site(folder: Any, **settings: Any) -> AsyncGenerator[Site]:
    clock = FrozenClock()
    async with open_engine("anna", "boris", clock=clock, **settings) as engine:
        files = FileMediaStore(folder / "media", spare_bytes=0)
        made = FileMediaStore(folder / "thumbnails", spare_bytes=0)
        app = MediaApp(engine, files, made, Router(engine.operations))
        site = Site(engine, app, clock)
        for name in ("anna", "boris"):
            site.tokens[name] = await log_in(engine, name)
        yield site


def kept(folder: Any) -> list[Any]:
    """The files of a folder, partial ones included."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
