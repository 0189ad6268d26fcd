"""The real network, on loopback: what may be cut and how it is told."""

from __future__ import annotations

import ssl
from functools import partial

import pytest
import trio
import trustme
from trio_websocket import ConnectionClosed, serve_websocket

from chatproto.client.transport import Disconnected, NetworkTransport
from chatproto.errors import MatrixError
from chatproto.ids import MxcUri
from chatproto.operations.accounts import LOGIN, WHOAMI, Login, WhoAmI

FILE = MxcUri("mxc://example.org/file")


@pytest.fixture
async def serve(nursery):
    """Serves HTTP by a function of stream and request; gives a transport to it."""
    transports = []

    async def start(answer):
        async def handle(stream):
            async with stream:
                await answer(stream, await read_request(stream))

        listeners = await nursery.start(
            partial(trio.serve_tcp, handle, 0, host="127.0.0.1")
        )
        port = listeners[0].socket.getsockname()[1]
        transports.append(NetworkTransport(f"http://127.0.0.1:{port}/"))
        return transports[-1]

    yield start
    for transport in transports:
        await transport.aclose()


async def read_request(stream):
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive_some(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += await stream.receive_some(65536)
    return head, body


def response(status, body, kind="application/json", length=None):
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {size}"
    return head.encode() + b"\r\nConnection: close\r\n\r\n" + body


def always(data):
    async def answer(stream, _request):
        await stream.send_all(data)

    return answer


async def test_call_travels_as_http(serve):
    heard = []

    async def answer(stream, request):
        heard.append(request)
        await stream.send_all(response(200, b'{"user_id":"@a:x"}'))

    transport = await serve(answer)
    who = await transport.call(WHOAMI, WhoAmI(), "secret")
    assert who.user_id == "@a:x"
    head = heard[0][0].lower()
    assert head.startswith(b"get /_matrix/client/v3/account/whoami http")
    assert b"authorization: bearer secret" in head


REFUSALS = {
    "with_reason": (
        response(
            403,
            b'{"errcode":"M_FORBIDDEN","error":"no","retry_after_ms":5,"x":1}',
        ),
        ("M_FORBIDDEN", "no", 403, 5, {"x": 1}),
    ),
    "no_json": (
        response(502, b"<html>", "text/html"),
        ("M_UNKNOWN", "the server answered 502", 502, None, {}),
    ),
    "other_json": (
        response(500, b'["no"]'),
        ("M_UNKNOWN", "the server answered 500", 500, None, {}),
    ),
}


@pytest.mark.parametrize(("answer", "told"), REFUSALS.values(), ids=REFUSALS)
async def test_refusal_is_told(serve, answer, told):
    transport = await serve(always(answer))
    with pytest.raises(MatrixError) as raised:
        await transport.call(LOGIN, Login(user="a"), None)
    error = raised.value
    assert (
        error.errcode,
        error.error,
        error.status,
        error.retry_after_ms,
        error.extra,
    ) == told
    with pytest.raises(MatrixError, match=told[0]):
        async with transport.download(FILE, "secret"):
            pass


async def test_nobody_there_is_disconnected():
    transport = NetworkTransport("http://127.0.0.1:1")
    with pytest.raises(Disconnected):
        await transport.call(WHOAMI, WhoAmI(), None)
    with pytest.raises(Disconnected):
        async with transport.download(FILE, "secret"):
            pass
    with pytest.raises(Disconnected):
        async with transport.socket():
            pass
    await transport.aclose()


async def test_answer_cut_off_is_disconnected(serve):
    transport = await serve(always(response(200, b'{"user', length=100)))
    with pytest.raises(Disconnected):
        await transport.call(WHOAMI, WhoAmI(), None)


async def test_download_is_read_as_it_comes(serve):
    has_read = trio.Event()

    async def answer(stream, _request):
        await stream.send_all(response(200, b"first", "image/png", length=10))
        await has_read.wait()
        await stream.send_all(b"later")

    transport = await serve(answer)
    with trio.fail_after(10):
        async with transport.download(FILE, "secret") as file:
            assert (file.size, file.content_type) == (10, "image/png")
            chunks = aiter(file)
            assert await anext(chunks) == b"first"
            has_read.set()
            assert await anext(chunks) == b"later"
            assert [chunk async for chunk in chunks] == []


async def test_download_cut_off_leaves_nothing(serve, tmp_path):
    transport = await serve(always(response(200, b"half of", length=100)))
    with pytest.raises(Disconnected):
        async with transport.download(FILE, "secret") as file:
            await file.save(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


async def test_upload_is_sent_in_pieces(serve):
    heard = []

    async def answer(stream, request):
        heard.append(request)
        await stream.send_all(response(200, b'{"content_uri":"mxc://x/abcd"}'))

    async def pieces():
        for _ in range(10):
            yield b"x" * 1000

    transport = await serve(answer)
    uri = await transport.upload(
        pieces(), size=10_000, name="Тест.txt", content_type="text/plain", token="t"
    )
    assert uri == "mxc://x/abcd"
    head, body = heard[0]
    assert body == b"x" * 10_000
    assert b"filename=%D0%A2%D0%B5%D1%81%D1%82.txt" in head
    assert b"content-type: text/plain" in head.lower()
    assert b"chunked" not in head.lower()


# the socket


@pytest.fixture
async def socket_server(nursery):
    """Serves WebSockets by a function; gives a transport to it."""

    async def start(talk, ssl_context=None, trusted=None):
        async def handle(request):
            await talk(await request.accept(subprotocol="chatproto.1"))

        server = await nursery.start(
            partial(serve_websocket, handle, "127.0.0.1", 0, ssl_context=ssl_context)
        )
        scheme = "http" if ssl_context is None else "https"
        url = f"{scheme}://127.0.0.1:{server.port}"
        return NetworkTransport(url, ssl_context=trusted)

    return start


async def echo(websocket):
    await websocket.send_message(await websocket.get_message())
    with pytest.raises(ConnectionClosed):
        await websocket.get_message()


@pytest.fixture(scope="module")
def tls():
    """What a server shows, and what a client trusts."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


async def test_messages_travel_encrypted(socket_server, tls):
    transport = await socket_server(echo, *tls)
    async with transport.socket() as wire:
        await wire.send(b"hello")
        assert await wire.receive() == b"hello"


async def test_messages_travel_both_ways(socket_server):
    transport = await socket_server(echo)
    async with transport.socket() as wire:
        await wire.send("Привет".encode())
        assert await wire.receive() == "Привет".encode()


async def test_close_code_and_reason_are_told(socket_server):
    async def refuse(websocket):
        await websocket.aclose(4401, "logged out")

    transport = await socket_server(refuse)
    closed = await how_it_ends(transport)
    assert (closed.code, closed.reason) == (4401, "logged out")


async def test_line_that_breaks_is_told(socket_server):
    async def vanish(websocket):
        await trio.aclose_forcefully(websocket._stream)

    transport = await socket_server(vanish)
    assert (await how_it_ends(transport)).code == 1006


async def how_it_ends(transport):
    with trio.fail_after(10), pytest.raises(Disconnected) as raised:
        async with transport.socket() as wire:
            await wire.receive()
    return raised.value


async def test_refused_handshake_is_disconnected(serve):
    transport = await serve(always(response(404, b"{}")))
    with pytest.raises(Disconnected, match=r"opens no socket.*404"):
        async with transport.socket():
            pass


async def test_garbage_instead_of_handshake_is_disconnected(serve):
    transport = await serve(always(b"hello\r\n\r\n"))
    assert (await how_it_ends(transport)).code in (None, 1006)


async def test_error_of_block_comes_out_as_it_is(socket_server):
    async def wait(websocket):
        with pytest.raises(ConnectionClosed):
            await websocket.get_message()

    transport = await socket_server(wait)
    with pytest.raises(ZeroDivisionError):
        async with transport.socket():
            raise ZeroDivisionError
