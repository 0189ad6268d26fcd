"""Passes requests on to a server unchanged and writes down what was said.

Run as `python -m tests.conformance.proxy CLIENT URL FILE`; it prints its own address.
Bodies are held whole: this is for conversations of tests.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import h11
import trio
from attrs import define, frozen

# What is between two neighbours, and what is said anew once a body is held whole.
_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"content-length"}


@frozen
class Message:
    """A request or an answer with its body."""

    head: h11.Request | h11.Response
    body: bytes

    def sent_on(self) -> list[h11.Event]:
        kept = [
            (n, v) for n, v in self.head.headers.raw_items() if n.lower() not in _HOP
        ]
        kept.append((b"Content-Length", b"%d" % len(self.body)))
        head: h11.Event
        if isinstance(self.head, h11.Request):
            head = h11.Request(
                method=self.head.method, target=self.head.target, headers=kept
            )
        else:
            head = h11.Response(
                status_code=self.head.status_code,
                headers=kept,
                reason=self.head.reason,
            )
        return [head, h11.Data(data=self.body), h11.EndOfMessage()]

    def header(self, name: bytes) -> str:
        return next((v.decode() for n, v in self.head.headers if n == name), "")

    def json(self) -> object:
        """The body, where it is JSON; null where it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@define
class Peer:
    """One HTTP/1.1 connection on a stream."""

    stream: trio.SocketStream
    http: h11.Connection

    async def receive(self) -> Message | None:
        """The next message; nothing where the other side has gone."""
        head, body = None, b""
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                self.http.receive_data(await self.stream.receive_some())
            elif isinstance(event, h11.Request | h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return Message(head, body)
            elif isinstance(event, h11.ConnectionClosed):
                return None

    async def send(self, message: Message, method: bytes = b"") -> None:
        for event in message.sent_on():
            if method == b"HEAD" and isinstance(event, h11.Data):
                continue
            await self.stream.send_all(self.http.send(event) or b"")

    async def until_gone(self) -> None:
        """Return when the other side closes; keep what it sends meanwhile."""
        while data := await self.stream.receive_some():
            self.http.receive_data(data)


@define
class Proxy:
    """Stands between one client and a server."""

    client: str
    host: str
    port: int
    path: Path

    async def serve(self, stream: trio.SocketStream) -> None:
        near = Peer(stream, h11.Connection(h11.SERVER))
        try:
            while (request := await near.receive()) is not None:
                answer = await self.ask(near, request)
                if answer is None:
                    break
                await near.send(answer, request.head.method)
                if near.http.our_state is not h11.DONE:
                    break
                near.http.start_next_cycle()
        except (OSError, trio.BrokenResourceError, h11.ProtocolError):
            pass  # a client that has gone has nothing to hear
        finally:
            await trio.aclose_forcefully(stream)

    async def ask(self, near: Peer, request: Message) -> Message | None:
        """The server's answer, written down; nothing if the client did not wait."""
        found: list[Message | None] = []

        async def watch() -> None:
            with suppress(OSError, trio.BrokenResourceError):
                await near.until_gone()
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            found.append(await self.forward(request))
            nursery.cancel_scope.cancel()
        answer = found[0] if found else None
        if answer is not None:
            self.record(request, answer)
        return answer

    async def forward(self, request: Message) -> Message | None:
        """The server's answer; one that is down, or goes, looks so through us, too."""
        try:
            async with await trio.open_tcp_stream(self.host, self.port) as stream:
                far = Peer(stream, h11.Connection(h11.CLIENT))
                await far.send(request)
                return await far.receive()
        except (OSError, trio.BrokenResourceError, h11.RemoteProtocolError):
            return None

    def record(self, request: Message, answer: Message) -> None:
        path, _, query = request.head.target.decode().partition("?")
        exchange = {
            "client": self.client,
            "method": request.head.method.decode(),
            "path": path,
            "query": query,
            "request": request.json(),
            "request_type": request.header(b"content-type"),
            "status": answer.head.status_code,
            "headers": [[n.decode(), v.decode()] for n, v in answer.head.headers],
            "response": answer.json(),
            "response_bytes": len(answer.body),
        }
        with self.path.open("a") as file:
            file.write(json.dumps(exchange) + "\n")


async def main(client: str, url: str, path: str) -> None:
    to = urlsplit(url)
    proxy = Proxy(client, to.hostname or "", to.port or 80, Path(path))
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}", flush=True)
    await trio.serve_listeners(proxy.serve, listeners)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
