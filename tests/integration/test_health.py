from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from socket import create_server

import pytest
import trio

from reference_server.app import open_server
from reference_server.config import Config
from reference_server.health import HealthError, ask
from reference_server.serve import make_app
from tests.integration.harness import ServerProcess

PROGRAM = [sys.executable, "-c", "from reference_server.cli import main; main()"]


def health(address, **more):
    return subprocess.run(
        [*PROGRAM, "health"],
        env=os.environ | {"CHATPROTO_LISTEN": address} | more,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def answering():
    """The address of something that gives this answer to whoever comes first."""
    with ThreadPoolExecutor(1) as threads, create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def one(answer):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(20)
                connection.recv(4096)
                connection.sendall(answer)

        def start(answer):
            threads.submit(one, answer)
            return f"127.0.0.1:{listener.getsockname()[1]}"

        yield start


def http_answer(body, status=b"200 OK"):
    head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    return head + body


async def asked(app, path):
    """What an application answers to a GET: status and body."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    await app(scope, None, send)
    start, body = sent
    return start["status"], json.loads(body["body"])["status"]


@pytest.fixture
async def open_one(tmp_path):
    async with open_server(Config(data=str(tmp_path / "data"))) as server:
        yield server


def test_running_server_is_well(server):
    done = health(server.url.removeprefix("http://"))
    assert (done.returncode, done.stdout) == (0, "ok\n")


def test_stopped_server_is_not_well(server):
    server.stop()
    done = health(server.url.removeprefix("http://"))
    assert done.returncode == 1
    assert "no server answers on 127.0.0.1:" in done.stderr


def test_port_zero_cannot_be_asked():
    done = health("127.0.0.1:0")
    assert done.returncode == 1
    assert "say the port" in done.stderr


def test_proxy_of_environment_is_passed_by(server):
    address = server.url.removeprefix("http://")
    assert health(address, http_proxy="http://127.0.0.1:9").returncode == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_server_on_every_address_is_asked(tmp_path, host):
    server = ServerProcess(tmp_path / "data")
    server.start(f"{host}:0")
    try:
        config = Config(listen=f"{host}:{server.url.rpartition(':')[2]}")
        assert ask(config) == "ok"
    finally:
        server.stop()


def test_refusal_is_told(answering):
    busy = http_answer(b'{"status": "behind"}', b"503 Service Unavailable")
    with pytest.raises(HealthError, match="takes no calls: behind"):
        ask(Config(listen=answering(busy)))


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b"{}", b'{"status": 1}', b'"ok"', b"\xff", b"[" * 4000, b""],
)
def test_other_server_is_not_well(answering, body):
    with pytest.raises(HealthError, match="not a chatproto server"):
        ask(Config(listen=answering(http_answer(body))))


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n"])
def test_what_speaks_no_http_is_not_well(answering, answer):
    with pytest.raises(HealthError):
        ask(Config(listen=answering(answer)))


def test_silent_server_is_given_up():
    with create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(HealthError, match="no server answers"):
            ask(Config(listen=address), timeout_seconds=0.1)


async def test_open_server_is_ready(open_one):
    app = make_app(open_one, trio.Event())
    assert await asked(app, "/readyz") == (200, "ok")


async def test_draining_server_lives_unready(open_one):
    shutdown = trio.Event()
    shutdown.set()
    app = make_app(open_one, shutdown)
    assert await asked(app, "/readyz") == (503, "draining")
    assert await asked(app, "/healthz") == (200, "ok")


async def test_server_behind_is_unready(open_one, monkeypatch):
    monkeypatch.setattr("chatproto.server.engine.MAX_PENDING", -1)
    app = make_app(open_one, trio.Event())
    assert await asked(app, "/readyz") == (503, "behind")


async def test_lost_database_is_unready(open_one, monkeypatch):
    async def lost(_self):
        raise OSError("the disk is gone")

    monkeypatch.setattr(type(open_one.engine.store), "last_pos", lost)
    app = make_app(open_one, trio.Event())
    assert await asked(app, "/readyz") == (503, "no database")
    assert await asked(app, "/healthz") == (200, "ok")
