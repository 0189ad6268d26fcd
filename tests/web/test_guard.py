from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import trio
from quart import request, websocket
from quart_trio import QuartTrio

from chatproto.wire.websocket import Close, Text
from reference_server.web.guard import iter_body
from reference_server.web.limits import HttpLimits

SMALL = HttpLimits(
    json_bytes=1000,
    upload_bytes=5000,
    upload_paths=("/upload",),
    body_idle_seconds=0.4,
    body_seconds=0.5,
    drain_bytes=2000,
    drain_seconds=0.2,
    linger_seconds=0.3,
)
HOST = b" HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /_matrix/hello" + HOST + b"\r\n"


def quart_app() -> QuartTrio:
    app = QuartTrio(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.get("/_matrix/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    @app.post("/size")
    async def size() -> dict[str, int]:
        return {"size": len(await request.get_data())}

    @app.post("/early")
    async def early() -> tuple[dict[str, str], int]:
        return {"errcode": "M_FORBIDDEN", "error": "no"}, 403

    @app.get("/fail")
    async def fail() -> dict[str, str]:
        raise ValueError("a mistake")

    @app.get("/cached")
    async def cached() -> tuple[str, dict[str, str]]:
        return "x", {"Cache-Control": "private", "Content-Type": "text/plain"}

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.accept()
        await websocket.send(await websocket.receive())
        raise ValueError("a mistake")

    return app


@pytest.fixture
def app() -> Any:
    """Quart with raw ASGI callables beside it, as the server composes them."""
    inner = quart_app()

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] not in {"/upload", "/deaf"}:
            await inner(scope, receive, send)
            return
        size = 0
        if scope["path"] == "/upload":
            async for chunk in iter_body(receive):
                size += len(chunk)
        body = str(size).encode()
        headers = [(b"content-type", b"application/json")]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return dispatch


def post(path: str, *headers: bytes, body: bytes = b"") -> bytes:
    head = f"POST {path}".encode() + HOST
    return head + b"".join(line + b"\r\n" for line in headers) + b"\r\n" + body


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


AMBIGUOUS = {
    "CL and TE": (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    "two CL": (b"Content-Length: 5", b"Content-Length: 6"),
    "list of CL": (b"Content-Length: 5, 6",),
    "plus": (b"Content-Length: +5",),
    "minus": (b"Content-Length: -5",),
    "hexadecimal": (b"Content-Length: 0x5",),
    "two TE": (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "unknown TE": (b"Transfer-Encoding: gzip, chunked",),
    "space before colon": (b"Content-Length : 5",),
}
SMUGGLED = b"0\r\n\r\n" + GET


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
@pytest.mark.parametrize("headers", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_ambiguous_body_refused_and_cut(
    site: Any, app: Any, headers: tuple[bytes, ...], first: bool
) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        if not first:
            await wire.ask(GET)
        status, answer, body = await wire.ask(post("/size", *headers, body=SMUGGLED))
        assert status in {400, 501}
        assert answer["content-type"] == "application/json"
        assert b'"errcode"' in body
        assert await wire.is_silent_until_closed()


async def test_body_at_limit_is_read(site: Any, app: Any) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        asked = post("/size", b"Content-Length: 1000", body=b"x" * 1000)
        assert (await wire.ask(asked))[0] == 200
        chunks = chunk(b"x" * 600) + chunk(b"x" * 400) + chunk(b"")
        asked = post("/size", b"Transfer-Encoding: chunked", body=chunks)
        assert (await wire.ask(asked))[2] == b'{"size":1000}\n'
        assert (await wire.ask(GET))[0] == 200


async def test_announced_large_body_refused_unread(site: Any, app: Any) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        status, headers, body = await wire.ask(post("/size", b"Content-Length: 1001"))
        assert status == 413
        assert b'"errcode":"M_TOO_LARGE"' in body
        assert headers["connection"] == "close"
        assert await wire.is_closed()


@pytest.mark.parametrize("path", ["/size", "/early"])
async def test_chunked_large_body_refused(site: Any, app: Any, path: str) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        body = (chunk(b"x" * 500)) * 3
        status, headers, answer = await wire.ask(
            post(path, b"Transfer-Encoding: chunked", body=body)
        )
        assert status in ({413} if path == "/size" else {413, 403})
        assert headers["connection"] == "close"
        assert b'"errcode"' in answer
        assert await wire.is_closed()


async def test_upload_path_has_its_own_limit(site: Any, app: Any) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        asked = post("/upload", b"Content-Length: 5000", body=b"x" * 5000)
        assert (await wire.ask(asked))[2] == b"5000"
        body = chunk(b"x" * 3000) * 2
        asked = post("/upload", b"Transfer-Encoding: chunked", body=body)
        status, _, answer = await wire.ask(asked)
        assert status == 413
        assert b"5000 bytes" in answer


async def test_unread_body_drained_and_connection_kept(site: Any, app: Any) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        for path in ("/early", "/deaf"):
            asked = post(path, b"Content-Length: 900", body=b"x" * 900)
            status, headers, _ = await wire.ask(asked)
            assert status in {200, 403}
            assert "connection" not in headers
            assert (await wire.ask(GET))[0] == 200


@pytest.mark.parametrize("path", ["/early", "/deaf"])
async def test_body_that_never_comes_closes(site: Any, app: Any, path: str) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        asked = post(path, b"Content-Length: 900", body=b"x" * 10)
        status, headers, _ = await wire.ask(asked)
        assert status in {200, 403, 408}
        assert headers["connection"] == "close"
        assert await wire.is_closed()


async def test_endless_unread_body_cut_with_answer_seen(site: Any, app: Any) -> None:
    limits = HttpLimits(drain_bytes=1000, drain_seconds=0.1, linger_seconds=0.2)
    async with site(app, http=limits) as it, it.connect() as wire:
        await wire.send(post("/deaf", b"Transfer-Encoding: chunked"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_pour, wire)
            status, headers, body = await wire.ask()
            assert (status, headers["connection"], body) == (200, "close", b"0")
            assert await wire.is_closed()
        async with it.connect() as other:
            assert (await other.ask(GET))[0] == 200


async def _pour(wire: Any) -> None:
    try:
        while True:
            await wire.send(chunk(b"x" * 50_000))
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


async def test_body_that_stops_half_way_answered_408(site: Any, app: Any) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        asked = post("/size", b"Content-Length: 900", body=b"x" * 10)
        with trio.fail_after(2):
            status, _, body = await wire.ask(asked)
        assert status == 408
        assert b'"errcode"' in body
        assert await wire.is_closed()


async def test_body_that_trickles_answered_408(site: Any, app: Any) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        await wire.send(post("/size", b"Content-Length: 900"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_trickle, wire)
            with trio.fail_after(2):
                assert (await wire.ask())[0] == 408
            nursery.cancel_scope.cancel()


async def _trickle(wire: Any) -> None:
    while True:
        await wire.send(b"x")
        await trio.sleep(0.05)


async def test_upload_may_trickle(site: Any, app: Any) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        await wire.send(post("/upload", b"Content-Length: 12"))
        for _ in range(12):
            await trio.sleep(0.05)
            await wire.send(b"x")
        assert (await wire.ask())[2] == b"12"


async def test_client_leaving_in_its_body_harms_nobody(site: Any, app: Any) -> None:
    async with site(app, http=SMALL) as it:
        for path in ("/upload", "/size", "/deaf"):
            async with it.connect() as wire:
                await wire.send(post(path, b"Content-Length: 900", body=b"x"))
        async with it.connect() as wire:
            assert (await wire.ask(GET))[0] == 200


async def test_compressed_body_refused(site: Any, app: Any) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        asked = post(
            "/size", b"Content-Encoding: gzip", b"Content-Length: 1", body=b"x"
        )
        status, headers, body = await wire.ask(asked)
        assert status == 415
        assert headers["connection"] == "close"
        assert b'"errcode"' in body


COMMON = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
    "access-control-allow-headers": "X-Requested-With, Content-Type, Authorization",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
ANSWERED = {
    "fine": (GET, 200),
    "not found": (b"GET /_matrix/none" + HOST + b"\r\n", 404),
    "wrong method": (post("/_matrix/hello"), 405),
    "failure": (b"GET /fail" + HOST + b"\r\n", 500),
    "preflight": (b"OPTIONS /_matrix/none" + HOST + b"\r\n", 200),
    "refused": (post("/size", b"Content-Length: x"), 400),
}


@pytest.mark.parametrize(("asked", "status"), ANSWERED.values(), ids=ANSWERED)
async def test_every_answer_is_json_with_common_headers(
    site: Any, app: Any, asked: bytes, status: int
) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        got, headers, body = await wire.ask(asked)
        assert got == status
        assert headers["content-type"].startswith("application/json")
        assert COMMON.items() <= headers.items()
        assert (status < 400) or b'"errcode"' in body
        assert "server" not in headers


async def test_api_answers_are_not_stored(site: Any, app: Any) -> None:
    async with site(app, http=SMALL) as it, it.connect() as wire:
        assert (await wire.ask(GET))[1]["cache-control"] == "no-store"
        cached = await wire.ask(b"GET /cached" + HOST + b"\r\n")
        assert cached[1]["cache-control"] == "private"


WEBSOCKET = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"


async def test_failing_websocket_handler_closes_1011(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        status, headers, _ = await wire.ask(WEBSOCKET + DEFLATE + b"\r\n")
        assert status == 101
        assert "sec-websocket-extensions" not in headers
        await wire.say(b"hi")
        assert await wire.hear() == Text(b"hi")
        assert await wire.hear() == Close(1011, "")


async def test_deflate_offered_on_kept_connection_refused(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        await wire.ask(GET)
        assert (await wire.ask(WEBSOCKET + DEFLATE + b"\r\n"))[0] == 403


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


async def test_slow_upload_is_not_held_in_memory(site: Any) -> None:
    size, piece = 105_000_000, b"x" * 1_000_000
    go_on = trio.Event()
    taken = []

    inner = quart_app()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await inner(scope, receive, send)
            return
        body = iter_body(receive)
        taken.append(len(await anext(body)))
        await go_on.wait()
        async for part in body:
            taken.append(len(part))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    limits = HttpLimits(upload_bytes=size, upload_paths=("/upload",))
    async with site(slow, http=limits) as it, it.connect() as wire:
        before = resident()
        await wire.send(post("/upload", f"Content-Length: {size}".encode()))
        sent = 0
        while sent < size:
            with trio.move_on_after(0.3) as scope:
                await wire.send(piece)
            sent += len(piece)
            if scope.cancelled_caught:
                break  # the server has stopped reading
        assert sent < 30_000_000
        assert resident() - before < 20_000_000
        go_on.set()
        assert sum(taken) < 2_000_000
