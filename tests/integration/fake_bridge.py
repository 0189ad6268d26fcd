"""A bridge of a few lines: a real HTTP server that a homeserver pushes to."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import unquote

import h11
import httpx2
import trio

REGISTRATION = """
id: fake
url: http://127.0.0.1:{port}
as_token: as-secret-of-the-fake
hs_token: hs-secret-of-the-fake
sender_localpart: fakebot
rate_limited: false
receive_ephemeral: true
namespaces:
  users:
    - {{exclusive: true, regex: "@fake_.*:localhost"}}
  aliases:
    - {{exclusive: true, regex: "#fake_.*:localhost"}}
"""


class FakeBridge:
    """Takes transactions while `is_well`; `asked` makes what is asked for."""

    def __init__(self) -> None:
        self.is_well = True
        self.refused: list[tuple[str, bytes]] = []
        self.taken: list[tuple[str, bytes]] = []
        self.others: list[tuple[str, str]] = []
        self.asked: Callable[[str], Awaitable[bool]] | None = None
        self._news = trio.Event()
        self.http = httpx2.AsyncClient(timeout=30)
        self.url = ""

    async def serve(self, port: int, *, task_status=trio.TASK_STATUS_IGNORED) -> None:
        await trio.serve_tcp(
            self._connection, port, host="127.0.0.1", task_status=task_status
        )

    async def call(self, verb: str, path: str, body=None, *, status=200, **query):
        """Call the homeserver with the bridge's own token."""
        answer = await self.http.request(
            verb,
            self.url + path,
            params=query,
            headers={"Authorization": "Bearer as-secret-of-the-fake"},
            content=None if body is None else json.dumps(body).encode(),
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    @property
    def events(self) -> list[dict]:
        """Those of each transaction once, however often it came."""
        once = dict(self.taken)
        return [e for body in once.values() for e in json.loads(body)["events"]]

    @property
    def bodies(self) -> list[str]:
        contents = (event["content"] for event in self.events)
        return [content["body"] for content in contents if "body" in content]

    async def until(self, what: Callable[[], object]) -> None:
        with trio.fail_after(20):
            while not what():
                self._news = trio.Event()
                await self._news.wait()

    async def _connection(self, stream: trio.SocketStream) -> None:
        line = h11.Connection(h11.SERVER)
        try:
            while await self._exchange(stream, line):
                line.start_next_cycle()
        except (trio.BrokenResourceError, h11.ProtocolError):
            return

    async def _exchange(self, stream: trio.SocketStream, line: h11.Connection) -> bool:
        body = b""
        while True:
            event = line.next_event()
            if event is h11.NEED_DATA:
                line.receive_data(await stream.receive_some())
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        status = await self._answer(request, body)
        headers = [("Content-Type", "application/json"), ("Content-Length", "2")]
        for part in (
            h11.Response(status_code=status, headers=headers),
            h11.Data(data=b"{}"),
            h11.EndOfMessage(),
        ):
            await stream.send_all(line.send(part))
        return True

    async def _answer(self, request: h11.Request, body: bytes) -> int:
        sent = dict(request.headers)
        path = unquote(request.target.decode())
        if sent.get(b"authorization") != b"Bearer hs-secret-of-the-fake":
            return 403
        if not self.is_well:
            self.refused.append((path, body))
            self._news.set()
            return 503
        if "/transactions/" in path:
            self.taken.append((path, body))
        else:
            self.others.append((request.method.decode(), path))
            if self.asked is not None and not await self.asked(path):
                return 404
        self._news.set()
        return 200


async def start(nursery: trio.Nursery, bridge: FakeBridge) -> int:
    """The port on which it listens."""
    listeners = await nursery.start(partial(bridge.serve, 0))
    return listeners[0].socket.getsockname()[1]
