from __future__ import annotations

import socket as stdlib_socket
from typing import Any

import pytest
import trio
import trio.testing
from quart import request
from quart_trio import QuartTrio

from chatproto.wire.websocket import (
    Close,
    Encoded,
    Ping,
    Text,
    close_frame,
    pong_frame,
    text_frame,
)
from reference_server.web.channel import SocketChannel
from reference_server.web.limits import HttpLimits, SocketLimits

KEY = b"abcd"
GET = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def app() -> QuartTrio:
    app = QuartTrio(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.get("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    @app.post("/size")
    async def size() -> dict[str, int]:
        return {"size": len(await request.get_data())}

    return app


async def test_kept_connection_serves_several_requests(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        for _ in range(3):
            status, _, body = await wire.ask(GET)
            assert (status, body) == (200, b'{"hello":"world"}\n')


async def test_large_body_passes_through(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        head = b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
        _, _, body = await wire.ask(head + b"x" * 200_000)
        assert body == b'{"size":200000}\n'


async def test_socket_speaks_our_subprotocol(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        status, headers, _ = await wire.open_socket()
        assert status == 101
        assert headers["sec-websocket-protocol"] == "chatproto.1"
        assert "sec-websocket-extensions" not in headers
        await wire.say(b"hi")
        assert await wire.hear() == Text(b"hi")


async def test_socket_on_kept_connection_is_ours_too(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        assert (await wire.ask(GET))[0] == 200
        status, headers, _ = await wire.open_socket()
        assert status == 101
        assert "sec-websocket-extensions" not in headers
        for word in (b"one", b"two"):
            await wire.say(word)
            assert await wire.hear() == Text(word)
        await wire.send(close_frame(1000, "", KEY))
        assert await wire.hear() == Close(1000, "")
        assert await wire.is_closed()


async def test_first_message_may_follow_handshake_at_once(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        await wire.open_socket(rest=text_frame(b"early", KEY))
        assert await wire.hear() == Text(b"early")


async def test_session_sees_who_asks(site: Any, app: Any) -> None:
    async def tell(channel: SocketChannel) -> None:
        words = f"{channel.remote_address} {channel.user_agent} {channel.origin}"
        channel.push(Encoded.of(words.encode()))

    async with site(app, tell) as it, it.connect() as wire:
        await wire.open_socket()
        assert await wire.hear() == Text(b"127.0.0.1 tests http://x")
        assert await wire.hear() == Close(1000, "")


async def test_plain_get_at_socket_answered_426(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        answer = await wire.ask(
            b"GET /_chatproto/v1/socket HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        assert answer[0] == 426
        assert answer[1]["upgrade"] == "websocket"
        assert b'"errcode":"M_UNRECOGNIZED"' in answer[2]
        assert await wire.is_closed()


async def test_session_that_fails_closes_1011(site: Any, app: Any) -> None:
    async def fail(channel: SocketChannel) -> None:
        raise ValueError("a mistake")

    async with site(app, fail) as it, it.connect() as wire:
        await wire.open_socket()
        assert await wire.hear() == Close(1011, "the server has failed")
        assert await wire.is_closed()


async def test_broken_frame_closed_1002_and_cut(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        await wire.open_socket()
        await wire.send(b"\x81\x01x")
        event = await wire.hear()
        assert isinstance(event, Close)
        assert event.code == 1002
        assert await wire.is_closed()


async def pour(wire: Any) -> None:
    while True:
        await wire.send(b"x" * 65536)


async def test_huge_message_cut_though_it_goes_on(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        await wire.open_socket()
        await wire.send(b"\x81\xff" + (1 << 40).to_bytes(8) + KEY)
        event = await wire.hear()
        assert isinstance(event, Close)
        assert event.code == 1009
        with trio.fail_after(2), pytest.raises(trio.BrokenResourceError):
            await pour(wire)


async def test_ping_answered(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        await wire.open_socket()
        await wire.send(
            b"\x89\x82" + KEY + bytes([ord("h") ^ KEY[0], ord("i") ^ KEY[1]])
        )
        event = await wire.hear()
        assert event.payload == b"hi"


async def test_too_many_frames_close_1008(site: Any, app: Any) -> None:
    limits = SocketLimits(frames_per_second=1, frame_burst=5, close_seconds=0.2)
    async with site(app, socket=limits) as it, it.connect() as wire:
        await wire.open_socket()
        for _ in range(7):
            await wire.say(b"x")
        heard = [await wire.hear() for _ in range(6)]
        assert heard[:5] == [Text(b"x")] * 5
        assert heard[5] == Close(1008, "too many frames")


async def test_shutdown_says_goodbye_and_1012(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        await wire.open_socket()
        await wire.say(b"x")
        await wire.hear()
        it.shutdown.set()
        goodbye = await wire.hear()
        assert isinstance(goodbye, Text)
        assert b'"then":"resume"' in goodbye.payload
        assert await wire.hear() == Close(1012, "the server restarts")
        await wire.send(close_frame(1012, "", KEY))
        assert await wire.is_closed()


async def test_shutdown_does_not_wait_for_silent_peer(site: Any, app: Any) -> None:
    async with trio.open_nursery() as nursery:
        with trio.fail_after(3):
            async with site(app) as it:
                wire = await nursery.start(_keep_open, it)
                it.shutdown.set()
        assert await wire.is_closed()
        nursery.cancel_scope.cancel()


async def _keep_open(it: Any, *, task_status: trio.TaskStatus[Any]) -> None:
    async with it.connect() as wire:
        await wire.open_socket()
        task_status.started(wire)
        await trio.sleep_forever()


async def test_strangers_from_one_address_are_few(site: Any, app: Any) -> None:
    async def never_known(channel: SocketChannel) -> None:
        await channel.receive()

    limits = SocketLimits(strangers_per_address=2, close_seconds=0.2)
    async with (
        site(app, never_known, socket=limits) as it,
        it.connect() as first,
        it.connect() as second,
        it.connect() as third,
        it.connect() as fourth,
    ):
        assert (await first.open_socket())[0] == 101
        assert (await second.open_socket())[0] == 101
        status, headers, body = await third.open_socket()
        assert status == 429
        assert b"M_LIMIT_EXCEEDED" in body
        assert headers["retry-after"] == "1"
        await first.stream.aclose()
        await trio.testing.wait_all_tasks_blocked(0.02)
        assert (await fourth.open_socket())[0] == 101


async def test_known_clients_are_no_strangers(site: Any, app: Any) -> None:
    limits = SocketLimits(strangers_per_address=1, close_seconds=0.2)
    async with site(app, socket=limits) as it, it.connect() as a, it.connect() as b:
        for wire in (a, b):
            await wire.open_socket()
            await wire.say(b"x")
            assert await wire.hear() == Text(b"x")


class Hand:
    """A clock that somebody moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_silent_peer_pinged_then_dropped(site: Any, app: Any) -> None:
    clock = Hand()
    options = {"clock": clock, "jitter": lambda: 0.5}
    async with site(app, **options) as it, it.connect() as wire:
        await wire.open_socket()
        await wire.say(b"x")
        await wire.hear()
        clock.now = 29.9
        it.sockets.sweep()
        clock.now = 30
        it.sockets.sweep()
        assert await wire.hear() == Ping(b"")
        clock.now = 89.9
        it.sockets.sweep()
        assert len(it.sockets) == 1
        clock.now = 90
        it.sockets.sweep()
        assert await wire.hear() == Close(4408, "no pong in time")
        assert await wire.is_closed()
        assert len(it.sockets) == 0


async def test_peer_that_pongs_stays(site: Any, app: Any) -> None:
    clock = Hand()
    options = {"clock": clock, "jitter": lambda: 0.5}
    async with site(app, **options) as it, it.connect() as wire:
        await wire.open_socket()
        for start in (0, 60, 120):
            clock.now = start + 30
            it.sockets.sweep()
            assert await wire.hear() == Ping(b"")
            await wire.send(pong_frame(b"", KEY))
            await wire.say(b"x")
            assert await wire.hear() == Text(b"x")
            clock.now = start + 51
            it.sockets.sweep()
            it.sockets.sweep()
        assert len(it.sockets) == 1


async def test_slow_head_answered_408(site: Any, app: Any) -> None:
    limits = HttpLimits(head_seconds=0.1, linger_seconds=0.1)
    async with site(app, http=limits) as it, it.connect() as wire:
        status, _, body = await wire.ask(b"GET /hello HTTP/1.1\r\nHost:")
        assert status == 408
        assert b'"errcode"' in body
        assert await wire.is_closed()


async def test_silent_connection_closed_without_words(site: Any, app: Any) -> None:
    limits = HttpLimits(head_seconds=0.1)
    async with site(app, http=limits) as it, it.connect() as wire:
        with trio.fail_after(2):
            assert await wire.stream.receive_some() == b""


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /hello HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET /hello HTTP/1.1\nHost: x\n\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /hello HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    ],
    ids=["long header", "long target", "bare LF", "TLS", "HTTP/2", "space"],
)
async def test_bad_first_head_refused(
    site: Any, app: Any, data: bytes, status: int
) -> None:
    async with site(app) as it, it.connect() as wire:
        answer = await wire.ask(data)
        assert answer[0] == status
        assert answer[1]["content-type"] == "application/json"
        assert answer[1]["access-control-allow-origin"] == "*"
        assert b'"errcode"' in answer[2]
        assert await wire.is_closed()


async def test_slow_reader_is_told_apart_and_catches_up(site: Any, app: Any) -> None:
    frame = Encoded.of(b"x" * 50_000)
    taken = trio.Event()
    caught_up = trio.Event()
    sent = 0

    async def flood(channel: SocketChannel) -> None:
        nonlocal sent
        channel.authenticated()
        channel.when_drained(caught_up.set)
        while channel.push(frame):
            sent += 1
        assert channel.pending_bytes <= 256 * 1024
        taken.set()
        await caught_up.wait()
        assert channel.push(Encoded.of(b"again"))
        await channel.receive()

    async with site(app, flood) as it, it.connect() as wire:
        await wire.open_socket()
        await taken.wait()
        assert not caught_up.is_set()
        for _ in range(sent):
            assert await wire.hear() == Text(frame.payload)
        assert await wire.hear() == Text(b"again")


async def test_bad_later_head_refused_in_json(site: Any, app: Any) -> None:
    async with site(app) as it, it.connect() as wire:
        await wire.ask(GET)
        status, headers, body = await wire.ask(
            b"GET /hello HTTP/1.1\r\nHost : x\r\n\r\n"
        )
        assert status == 400
        assert headers["content-type"] == "application/json"
        assert b'"errcode"' in body
        assert await wire.is_closed()


async def test_idle_connection_freed_when_client_leaves(site: Any, app: Any) -> None:
    async with site(app) as it:
        async with it.connect() as wire:
            await wire.ask(GET)
            await trio.testing.wait_all_tasks_blocked(0.02)
            tasks = trio.lowlevel.current_statistics().tasks_living
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert trio.lowlevel.current_statistics().tasks_living < tasks


async def test_pipelining_client_that_leaves_is_freed(site: Any, app: Any) -> None:
    async with site(app) as it:
        async with it.connect() as wire:
            await wire.ask(GET)
        await trio.testing.wait_all_tasks_blocked(0.05)
        tasks = trio.lowlevel.current_statistics().tasks_living
        for _ in range(10):
            async with it.connect() as wire:
                await wire.send(GET * 3)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert trio.lowlevel.current_statistics().tasks_living <= tasks


async def test_lifespan_runs_once_around_everything(site: Any) -> None:
    app = QuartTrio(__name__)
    seen = []

    @app.before_serving
    async def start() -> None:
        seen.append("start")

    @app.after_serving
    async def stop() -> None:
        seen.append("stop")

    async with site(app) as it, it.connect() as wire:
        await wire.ask(GET)
        assert seen == ["start"]
    assert seen == ["start", "stop"]


async def test_peers_that_reset_harm_nobody(site: Any, app: Any) -> None:
    async with site(app) as it:
        for data in (b"", b"GET", GET[:-2], b"POST /size HTTP/1.1\r\n"):
            async with it.connect() as wire:
                await wire.send(data)
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                wire.stream.socket.setsockopt(
                    stdlib_socket.SOL_SOCKET, stdlib_socket.SO_LINGER, linger
                )
        async with it.connect() as wire:
            assert (await wire.ask(GET))[0] == 200


async def test_trusted_proxy_names_the_client(site: Any, app: Any) -> None:
    async def tell(channel: SocketChannel) -> None:
        channel.push(Encoded.of(channel.remote_address.encode()))

    limits = HttpLimits(trusted_hops=1)
    async with site(app, tell, http=limits) as it, it.connect() as wire:
        await wire.open_socket(b"X-Forwarded-For: 6.6.6.6, 10.1.2.3")
        assert await wire.hear() == Text(b"10.1.2.3")
