from __future__ import annotations

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request

from chatproto.errors import MatrixError
from chatproto.wire.handshake import accept_response, accept_token, parse_head

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
GOOD = {
    b"Host": b"x",
    b"Upgrade": b"WebSocket",
    b"Connection": b"keep-alive, Upgrade",
    b"Sec-WebSocket-Key": KEY,
    b"Sec-WebSocket-Version": b"13",
}


def head(
    changes: dict[bytes, bytes | None] | None = None,
    *more: bytes,
    start: bytes = b"GET /socket HTTP/1.1",
) -> bytes:
    fields = {**GOOD, **(changes or {})}
    lines = [
        name + b": " + value for name, value in fields.items() if value is not None
    ]
    return b"\r\n".join([start, *lines, *more])


def test_sample_key_gives_sample_token() -> None:
    assert accept_token(KEY) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_answer_names_our_subprotocol() -> None:
    offer: dict[bytes, bytes | None] = {
        b"Sec-WebSocket-Protocol": b"other, chatproto.1"
    }
    answer = accept_response(parse_head(head(offer)))
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nSec-WebSocket-Protocol: chatproto.1\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_extensions_are_never_agreed_to() -> None:
    offer: dict[bytes, bytes | None] = {
        b"Sec-WebSocket-Extensions": b"permessage-deflate"
    }
    assert b"Extensions" not in accept_response(parse_head(head(offer)))


def test_wsproto_client_accepts_answer() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    asked = client.send(
        Request(host="x", target="/socket", subprotocols=["chatproto.1"])
    )
    parsed = parse_head(asked.removesuffix(b"\r\n\r\n"))
    client.receive_data(accept_response(parsed))
    (event,) = client.events()
    assert isinstance(event, AcceptConnection)
    assert event.subprotocol == "chatproto.1"


REFUSED = {
    "POST": (head(start=b"POST /socket HTTP/1.1"), 426),
    "HTTP/1.0": (head(start=b"GET /socket HTTP/1.0"), 400),
    "no upgrade": (head({b"Upgrade": None}), 426),
    "other upgrade": (head({b"Upgrade": b"h2c"}), 426),
    "no connection": (head({b"Connection": None}), 400),
    "connection close": (head({b"Connection": b"close"}), 400),
    "no host": (head({b"Host": None}), 400),
    "version 8": (head({b"Sec-WebSocket-Version": b"8"}), 426),
    "no version": (head({b"Sec-WebSocket-Version": None}), 426),
    "no key": (head({b"Sec-WebSocket-Key": None}), 400),
    "key not base64": (head({b"Sec-WebSocket-Key": b"!" * 24}), 400),
    "key of 15 bytes": (head({b"Sec-WebSocket-Key": b"YWFhYWFhYWFhYWFhYWFh"}), 400),
    "key not ASCII": (head({b"Sec-WebSocket-Key": b"\xff" * 24}), 400),
    "two keys": (head(None, b"Sec-WebSocket-Key: " + KEY), 400),
    "other subprotocol": (head({b"Sec-WebSocket-Protocol": b"soap"}), 400),
    "subprotocol not ASCII": (head({b"Sec-WebSocket-Protocol": b"\xff"}), 400),
    "a body": (head({b"Content-Length": b"5"}), 400),
    "a chunked body": (head({b"Transfer-Encoding": b"chunked"}), 400),
}


@pytest.mark.parametrize(("asked", "status"), REFUSED.values(), ids=REFUSED)
def test_wrong_handshake_refused(asked: bytes, status: int) -> None:
    with pytest.raises(MatrixError) as caught:
        accept_response(parse_head(asked))
    assert caught.value.status == status


MALFORMED = {
    "empty": b"",
    "no version": b"GET /",
    "two spaces": b"GET  / HTTP/1.1",
    "space in target": b"GET /a b HTTP/1.1",
    "target not ASCII": b"GET /\xff HTTP/1.1",
    "bare line feed": b"GET / HTTP/1.1\nHost: x",
    "folded line": b"GET / HTTP/1.1\r\nHost: x\r\n y",
    "space before colon": b"GET / HTTP/1.1\r\nHost : x",
    "no colon": b"GET / HTTP/1.1\r\nHost",
    "no name": b"GET / HTTP/1.1\r\n: x",
    "NUL in value": b"GET / HTTP/1.1\r\nHost: \x00",
    "carriage return": b"GET / HTTP/1.1\r\nHost: a\rb",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_malformed_head_refused(data: bytes) -> None:
    with pytest.raises(MatrixError) as caught:
        parse_head(data)
    assert caught.value.status == 400


def test_head_keeps_order_and_lowers_names() -> None:
    parsed = parse_head(b"PUT /a?b=c HTTP/1.1\r\nX-A: 1 \r\nx-a:\t2")
    assert parsed.path == "/a"
    assert parsed.headers == ((b"x-a", b"1"), (b"x-a", b"2"))
