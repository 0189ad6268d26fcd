"""A push gateway at a real server: what it is told, and what survives what."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trio

from tests.integration.harness import ServerProcess

NOTIFY = "/_matrix/push/v1/notify"
V3 = "/_matrix/client/v3"


class Gateway:
    """Answers with `status`, and keeps what it was told."""

    def __init__(self):
        self.status = 200
        self.asked = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))["notification"]
                gateway.asked.append((gateway.status, body))
                self.send_response(gateway.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http.server_port}{NOTIFY}"

    def ids(self, status=200):
        return [b["event_id"] for s, b in self.asked if s == status and "event_id" in b]

    async def until(self, what):
        with trio.fail_after(20):
            while not what():  # noqa: ASYNC110  # threads and files wake nobody
                await trio.sleep(0.02)

    def stop(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def gateway():
    running = Gateway()
    yield running
    running.stop()


@pytest.fixture
def networks():
    return ("--outbound-networks=127.0.0.0/8",)


@pytest.fixture
def server(tmp_path, networks):
    options = ("--demo", "--rate-limits=off", *networks)
    running = ServerProcess(tmp_path / "data", *options)
    running.start()
    yield running
    running.stop()


async def add_pusher(client, gateway):
    body = {
        "kind": "http",
        "app_id": "org.example.app",
        "pushkey": "key",
        "app_display_name": "App",
        "device_display_name": "Phone",
        "lang": "ru",
        "data": {"url": gateway.url},
    }
    await client.request("POST", f"{V3}/pushers/set", body)


async def test_gateway_is_told_of_a_message(gateway, direct):
    anna, boris, room_id = direct
    await add_pusher(boris, gateway)
    sent = await anna.say_over_http(room_id, "привет", "1")
    await gateway.until(gateway.ids)
    ((_, told),) = gateway.asked
    assert told["event_id"] == sent["event_id"]
    assert told["content"]["body"] == "привет"
    assert told["devices"][0]["tweaks"] == {"sound": "default"}


async def test_nothing_is_lost_when_the_server_is_killed(gateway, direct, server):
    anna, boris, room_id = direct
    gateway.status = 503
    await add_pusher(boris, gateway)
    sent = await anna.say_over_http(room_id, "one", "1")
    await gateway.until(lambda: gateway.ids(503))
    server.kill()
    gateway.status = 200
    server.restart()
    await gateway.until(gateway.ids)
    assert set(gateway.ids()) == {sent["event_id"]}


@pytest.mark.parametrize("networks", [()])
async def test_internal_gateway_is_not_connected_to(gateway, direct, server):
    anna, boris, room_id = direct
    await add_pusher(boris, gateway)
    await anna.say_over_http(room_id, "one", "1")
    await gateway.until(lambda: "a push gateway failed" in server_log(server))
    assert gateway.asked == []


def server_log(server):
    return (server.folder.parent / f"{server.folder.name}.log").read_text()
