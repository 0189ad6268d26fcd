"""A real server process, and a client of a few lines that has no help from ours."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import httpx2
import trio
from trio_websocket import ConnectionClosed, connect_websocket_url


class ServerProcess:
    """A reference server on a data folder, started and stopped by its process ID."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.url = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self, listen: str = "127.0.0.1:0") -> None:
        command = [
            sys.executable,
            "-c",
            "from reference_server.cli import main; main()",
            "serve",
            f"--data={self.folder}",
            f"--listen={listen}",
            *self.options,
        ]
        self.log = (self.folder.parent / f"{self.folder.name}.log").open("a")
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, f"the server said {line!r}; see {self.log.name}"
        self.url = found[0]

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Start again on the same port."""
        self.start(self.url.removeprefix("http://"))

    def _end(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        code = process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
        self.log.close()
        return code


class Client:
    """Speaks both bindings of one account."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx2.AsyncClient(base_url=url, timeout=30)
        self.token = self.user_id = ""
        self.ws = None
        self.pushes: deque[dict] = deque()
        self.position: str | None = None
        self._number = 0

    async def log_in(self, name: str) -> Client:
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": name},
            "password": f"{name}pass",
        }
        answer = await self.request("POST", "/_matrix/client/v3/login", body)
        self.token, self.user_id = answer["access_token"], answer["user_id"]
        return self

    async def request(
        self, verb: str, path: str, body: object = None, status: int = 200
    ):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        content = None if body is None else json.dumps(body).encode()
        answer = await self.http.request(verb, path, content=content, headers=headers)
        assert answer.status_code == status, (
            verb,
            path,
            answer.status_code,
            answer.text,
        )
        return answer.json()

    async def connect(self, nursery: trio.Nursery, **hello: object) -> dict:
        if self.ws is not None:
            await trio.aclose_forcefully(self.ws._stream)
        url = self.url.replace("http", "ws", 1) + "/_chatproto/v1/socket"
        self.ws = await connect_websocket_url(
            nursery,
            url,
            subprotocols=["chatproto.1"],
            max_message_size=16 * 1024 * 1024,
        )
        await self.send({"hello": {"token": self.token, **hello}})
        return await self.receive()

    async def send(self, frame: object) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        await self.ws.send_message(text)

    async def receive(self) -> dict:
        with trio.fail_after(20):
            frame = json.loads(await self.ws.get_message())
        self.position = frame.get("at", self.position)
        return frame

    async def call(self, operation: str, **fields: object) -> dict:
        """Call, keeping the pushes that come before the answer."""
        self._number += 1
        await self.send({"id": self._number, "do": operation, "with": fields})
        while True:
            frame = await self.receive()
            if frame.get("re") == self._number:
                return frame
            self.pushes.append(frame)

    async def items(self, wanted: str) -> dict:
        """The next push item of a kind, in this push or a later one."""
        while True:
            frame = self.pushes.popleft() if self.pushes else await self.receive()
            found = [item[wanted] for item in frame.get("push", ()) if wanted in item]
            if found:
                for item in reversed(found[1:]):
                    self.pushes.appendleft({"push": [{wanted: item}]})
                return found[0]

    async def say(self, room_id: str, text: str, txn: str) -> dict:
        answer = await self.call(
            "room.send",
            room_id=room_id,
            event_type="m.room.message",
            txn_id=txn,
            content={"msgtype": "m.text", "body": text},
        )
        assert "ok" in answer, answer
        return answer["ok"]

    async def say_over_http(self, room_id: str, text: str, txn: str) -> dict:
        path = f"/_matrix/client/v3/rooms/{quote(room_id)}/send/m.room.message/{txn}"
        return await self.request("PUT", path, {"msgtype": "m.text", "body": text})

    async def sync(self, **query: object) -> dict:
        pairs = "&".join(f"{key}={quote(str(value))}" for key, value in query.items())
        return await self.request("GET", f"/_matrix/client/v3/sync?{pairs}")

    async def close(self) -> None:
        if self.ws is not None:
            # The tasks of the test's nursery may be gone already: no waiting for them.
            with trio.move_on_after(0.2, shield=True), suppress(ConnectionClosed):
                await self.ws.aclose()
            await trio.aclose_forcefully(self.ws._stream)  # it has no public way
        await self.http.aclose()
