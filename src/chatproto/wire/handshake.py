"""The opening handshake of a WebSocket (RFC 6455 4), without I/O.

The head of a request is read strictly: no folded lines, no bare line feeds, no
white space before a colon. What two readers could read in two ways is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Final

from attrs import frozen

from chatproto.errors import MatrixError

if TYPE_CHECKING:
    from collections.abc import Sequence

SUBPROTOCOL: Final = "chatproto.1"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/([0-9]\.[0-9])")
_FIELD = re.compile(
    rb"(" + _TOKEN + rb"):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*",
)

Header = tuple[bytes, bytes]


@frozen
class RequestHead:
    """The first part of a request; names of headers are in lower case."""

    method: str
    target: str
    version: str
    headers: tuple[Header, ...]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    def text(self, name: bytes) -> str | None:
        """The header's only value; a MatrixError when it is there twice."""
        values = self.all(name)
        if len(values) > 1:
            raise _refused(f"the header {name.decode()} is there twice")
        return values[0].decode("latin-1") if values else None


def parse_head(head: bytes) -> RequestHead:
    """Read a request's head, without the empty line that ends it.

    Raises MatrixError with status 400 for whatever RFC 9112 does not allow.
    """
    first, *lines = head.split(b"\r\n")
    start = _REQUEST_LINE.fullmatch(first)
    if start is None:
        raise _refused("the request line is not one")
    method, target, version = (part.decode("ascii") for part in start.groups())
    return RequestHead(method, target, version, tuple(map(_parse_field, lines)))


def _parse_field(line: bytes) -> Header:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise _refused("a header line is malformed")
    return match[1].lower(), match[2]


def has_token(values: Sequence[bytes], token: bytes) -> bool:
    """Whether the comma-separated lists name the token, in any case."""
    return any(
        part.strip(b" \t").lower() == token
        for value in values
        for part in value.split(b",")
    )


def wants_websocket(head: RequestHead) -> bool:
    """Whether the request asks for the change to WebSocket."""
    return head.method == "GET" and has_token(head.all(b"upgrade"), b"websocket")


def accept_response(head: RequestHead) -> bytes:
    """The answer 101 to a client's handshake; extensions are never agreed to.

    Raises MatrixError with status 400 for a malformed handshake, and with 426 when
    the request is no WebSocket handshake of version 13 at all.
    """
    _check_handshake(head)
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accept_token(_key(head)),
    ]
    offered = head.all(b"sec-websocket-protocol")
    if offered:
        # A client must fail the connection if it offered some and got none.
        if not has_token(offered, SUBPROTOCOL.encode()):
            raise _refused(f"only the subprotocol {SUBPROTOCOL} is spoken here")
        lines.append(b"Sec-WebSocket-Protocol: " + SUBPROTOCOL.encode())
    return b"\r\n".join([*lines, b"", b""])


def _check_handshake(head: RequestHead) -> None:
    if not wants_websocket(head):
        raise _upgrade_needed("this address speaks WebSocket only")
    if head.version != "1.1":
        raise _refused("a WebSocket handshake needs HTTP/1.1")
    if not has_token(head.all(b"connection"), b"upgrade"):
        raise _refused("Connection does not name Upgrade")
    if head.text(b"host") is None:
        raise _refused("the header host is missing")
    if head.text(b"content-length") not in {None, "0"} or head.all(
        b"transfer-encoding",
    ):
        raise _refused("a WebSocket handshake has no body")
    if head.text(b"sec-websocket-version") != "13":
        raise _upgrade_needed("only version 13 of WebSocket is spoken here")


def _key(head: RequestHead) -> bytes:
    key = (head.text(b"sec-websocket-key") or "").encode("latin-1")
    try:
        raw = base64.b64decode(key, validate=True)
    except binascii.Error as error:
        raise _refused("Sec-WebSocket-Key is not base64") from error
    if len(raw) != 16:
        raise _refused("Sec-WebSocket-Key is not of 16 bytes")
    return key


def accept_token(key: bytes) -> bytes:
    """What proves that the server has read the key (RFC 6455 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def _refused(why: str) -> MatrixError:
    return MatrixError("M_UNKNOWN", why, status=400)


def _upgrade_needed(why: str) -> MatrixError:
    return MatrixError("M_UNRECOGNIZED", why, status=426)
