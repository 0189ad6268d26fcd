"""`python -m tests.benchmarks [NAME ...]`: start, sends, fanout, idle, stalled, sync.

Prints one line of JSON for each. The server runs with what it ships with (SQLite,
synchronous=FULL) but without rate limits; the load comes from this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable

from tests.benchmarks.wsclient import Client, connect

SECONDS = 6.0
BODY = "~m~" + "x" * 90


class Server:
    """A server process on fresh data."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from reference_server.cli import main; main()",
                "serve",
                f"--data={self.folder.name}",
                "--listen=127.0.0.1:0",
                "--rate-limits=off",
                "--registration=open",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        found = re.search(r":(\d+)$", self.process.stdout.readline().strip())
        assert found, "the server did not say where it listens"
        self.port = int(found[1])
        self.request("GET", "/_matrix/client/versions")
        self.start_s = time.perf_counter() - started

    def request(
        self, verb: str, path: str, body: object = None, token: str = ""
    ) -> dict:
        request = urllib.request.Request(  # loopback
            f"http://127.0.0.1:{self.port}{path}",
            method=verb,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def user(self, name: str) -> tuple[str, str]:
        """User ID and token of a new user."""
        body = {
            "username": name,
            "password": "correct horse",
            "auth": {"type": "m.login.dummy"},
        }
        made = self.request("POST", "/_matrix/client/v3/register", body)
        return made["user_id"], made["access_token"]

    def room(self, tokens: list[str]) -> str:
        path = "/_matrix/client/v3/createRoom"
        made = self.request("POST", path, {"preset": "public_chat"}, tokens[0])
        for token in tokens[1:]:
            path = f"/_matrix/client/v3/rooms/{made['room_id']}/join"
            self.request("POST", path, {}, token)
        return str(made["room_id"])

    def rss_kb(self) -> int:
        with open(f"/proc/{self.process.pid}/status") as file:
            found = re.search(r"VmRSS:\s+(\d+)", file.read())
        assert found
        return int(found[1])

    def cpu_s(self) -> float:
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.folder.cleanup()


def message(number: int, room: str, txn: str) -> bytes:
    content = {"msgtype": "m.text", "body": BODY}
    return json.dumps(
        {
            "id": number,
            "do": "room.send",
            "with": {
                "room_id": room,
                "event_type": "m.room.message",
                "txn_id": txn,
                "content": content,
            },
        },
    ).encode()


class Pump:
    """Keeps so many messages of each sender unacknowledged, for some seconds."""

    def __init__(self, senders: list[tuple[Client, str]], in_flight: int) -> None:
        self.sent = self.acked = 0
        self.latencies: list[float] = []
        self._senders = senders
        self._in_flight = in_flight
        self._done = asyncio.get_running_loop().create_future()

    async def run(self, seconds: float) -> float:
        """The seconds until the last acknowledgement."""
        self.began = time.perf_counter()
        self._end = self.began + seconds
        for number, (client, room) in enumerate(self._senders):
            times: list[float] = []
            client.on_ack = self._acks(client, room, number, times)
            for _ in range(self._in_flight):
                self._send(client, room, number, times)
        await asyncio.wait_for(self._done, seconds + 60)
        return time.perf_counter() - self.began

    def _send(self, client: Client, room: str, who: int, times: list[float]) -> None:
        self.sent += 1
        times.append(time.perf_counter())
        client.send(message(self.sent, room, f"{who}-{self.sent}"))

    def _acks(
        self,
        client: Client,
        room: str,
        who: int,
        times: list[float],
    ) -> Callable[[int], None]:
        def on_ack(count: int) -> None:
            now = time.perf_counter()
            for _ in range(count):
                self.acked += 1
                self.latencies.append(now - times.pop(0))
                if now < self._end:
                    self._send(client, room, who, times)
            if now >= self._end and self.acked == self.sent and not self._done.done():
                self._done.set_result(None)

        return on_ack


def percentile(values: list[float], share: float) -> float:
    return round(sorted(values)[int(len(values) * share)] * 1000, 2)


async def sends() -> dict:
    """50 rooms of two, one message in flight in each."""
    server = Server()
    try:
        senders = []
        for number in range(50):
            users = [server.user(f"s{number}x{k}") for k in range(2)]
            room = server.room([token for _, token in users])
            clients = [await connect(server.port, token) for _, token in users]
            senders.append((clients[0], room))
        cpu = server.cpu_s()
        pump = Pump(senders, 1)
        wall = await pump.run(SECONDS)
        return {
            "sends_per_s": round(pump.acked / wall),
            "ack_p50_ms": percentile(pump.latencies, 0.5),
            "ack_p99_ms": percentile(pump.latencies, 0.99),
            "server_cpu_us_per_send": round((server.cpu_s() - cpu) / pump.acked * 1e6),
        }
    finally:
        server.stop()


async def fanout(members: int = 100) -> dict:
    """One room, everybody live, four senders with four messages in flight each."""
    server = Server()
    try:
        tokens = [server.user(f"m{number}")[1] for number in range(members)]
        room = server.room(tokens)
        clients = [await connect(server.port, token) for token in tokens]
        await asyncio.sleep(0.5)
        for client in clients:
            client.count = 0
        last = [0.0]

        def seen() -> None:
            last[0] = time.perf_counter()

        for client in clients:
            client.on_count = seen
        cpu = server.cpu_s()
        pump = Pump([(client, room) for client in clients[:4]], 4)
        wall = await pump.run(SECONDS)
        wanted = pump.acked * members
        for _ in range(100):
            if sum(client.count for client in clients) >= wanted:
                break
            await asyncio.sleep(0.1)
        got = sum(client.count for client in clients)
        wall = last[0] - pump.began
        return {
            "members": members,
            "deliveries_per_s": round(got / wall),
            "sends_per_s": round(pump.acked / wall),
            "lost": wanted - got,
            "ack_p50_ms": percentile(pump.latencies, 0.5),
            "server_cpu_us_per_delivery": round((server.cpu_s() - cpu) / got * 1e6, 2),
        }
    finally:
        server.stop()


async def idle(sockets: int = 1000) -> dict:
    """Devices of 50 users, connected and silent."""
    server = Server()
    try:
        tokens = [server.user(f"i{number}")[1] for number in range(50)]
        server.room(tokens)
        first = [await connect(server.port, token) for token in tokens]
        await asyncio.sleep(1)
        before = server.rss_kb()
        more = [
            await connect(server.port, tokens[number % 50], limit=1)
            for number in range(sockets)
        ]
        await asyncio.sleep(2)
        used = server.rss_kb() - before
        for client in first + more:
            client.close()
        return {"sockets": sockets, "kb_per_socket": round(used / sockets, 1)}
    finally:
        server.stop()


async def start(rounds: int = 5) -> dict:
    """From exec to the first answer on fresh data, and memory then."""
    times, memory = [], []
    for _ in range(rounds):
        server = Server()
        times.append(server.start_s)
        await asyncio.sleep(0.5)
        memory.append(server.rss_kb() / 1000)
        server.stop()
    return {
        "start_s": round(statistics.median(times), 3),
        "rss_mb": round(statistics.median(memory), 1),
    }


async def stalled(members: int = 50, seconds: float = 65) -> dict:
    """One of a room stops reading while two others talk, and then reads again."""
    server = Server()
    try:
        tokens = [server.user(f"r{number}")[1] for number in range(members)]
        room = server.room(tokens)
        clients = [await connect(server.port, token) for token in tokens]
        await asyncio.sleep(1)
        before, sleeper = server.rss_kb(), clients[-1]
        sleeper.transport.pause_reading()
        pump = Pump([(client, room) for client in clients[:2]], 1)
        wall = await pump.run(seconds)
        used = server.rss_kb() - before
        limited = asyncio.ensure_future(sleeper.expect(b'"limited":true'))
        await asyncio.sleep(0)
        sleeper.transport.resume_reading()
        await limited
        return {
            "stalled_s": round(wall),
            "sent_meanwhile": pump.acked,
            "server_mb_more": round(used / 1000, 1),
            "others_ack_p99_ms": percentile(pump.latencies, 0.99),
            "others_ack_max_ms": round(max(pump.latencies) * 1000, 1),
        }
    finally:
        server.stop()


async def sync(rooms: int = 200, messages: int = 50) -> dict:
    """/sync of a user in many rooms: everything, and what was missed."""
    server = Server()
    try:
        (_, writer), (_, reader) = server.user("writer"), server.user("reader")
        names = [server.room([writer, reader]) for _ in range(rooms)]
        client = await connect(server.port, writer)
        await _say(client, names, messages)
        initial = await _timed(lambda: _sync(server, reader))
        since = json.loads(initial[1])["next_batch"]
        await _say(client, names, 1000 // rooms)
        missed = await _timed(lambda: _sync(server, reader, f"&since={since}"))
        quiet = await _timed(
            lambda: _sync(
                server, reader, f"&since={json.loads(missed[1])['next_batch']}"
            )
        )
        return {
            "rooms": rooms,
            "initial_s": initial[0],
            "initial_mb": round(len(initial[1]) / 1e6, 2),
            "missed_1000_s": missed[0],
            "missed_1000_mb": round(len(missed[1]) / 1e6, 2),
            "nothing_new_s": quiet[0],
        }
    finally:
        server.stop()


async def _say(client: Client, rooms: list[str], each: int) -> None:
    left = [len(rooms) * each]
    done = asyncio.get_running_loop().create_future()

    def on_ack(count: int) -> None:
        left[0] -= count
        if left[0] == 0:
            done.set_result(None)

    client.on_ack = on_ack
    for number in range(each):
        for room in rooms:
            txn = f"{time.perf_counter_ns()}-{number}"
            client.send(message(number + 1, room, txn))
        await asyncio.sleep(0)
    await asyncio.wait_for(done, 120)


def _sync(server: Server, token: str, query: str = "") -> bytes:
    request = urllib.request.Request(  # loopback
        f"http://127.0.0.1:{server.port}/_matrix/client/v3/sync?timeout=0{query}",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


async def _timed(ask: Callable[[], bytes], rounds: int = 3) -> tuple[float, bytes]:
    """The median of the seconds, and an answer."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        answer = await asyncio.to_thread(ask)
        times.append(time.perf_counter() - began)
    return round(statistics.median(times), 3), answer


WORKS = {
    "start": start,
    "sends": sends,
    "fanout": fanout,
    "idle": idle,
    "stalled": stalled,
    "sync": sync,
}


async def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for name in sys.argv[1:] or WORKS:
        print(json.dumps({"work": name, **await WORKS[name]()}), flush=True)


asyncio.run(main())
