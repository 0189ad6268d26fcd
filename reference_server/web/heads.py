"""Reading the head of a request from a connection, and judging how its body is framed."""

from __future__ import annotations

import re
from collections.abc import Iterable

import trio
from attrs import frozen

from chatproto.errors import MatrixError
from chatproto.wire.handshake import Header, RequestHead, parse_head
from reference_server.web.limits import HttpLimits

RECEIVE_BYTES = 16 * 1024
_END = b"\r\n\r\n"
_DIGITS = re.compile(rb"[0-9]{1,15}")
_OFFER = re.compile(rb"(?i)\r\nsec-websocket-extensions:[^\r\n]*")


@frozen
class Start:
    """A connection's first request, and the bytes that it was read from."""

    head: RequestHead
    raw: bytes  # the head, with the empty line that ends it
    rest: bytes

    def for_hypercorn(self) -> bytes:
        """The bytes without offers of extensions, which Hypercorn would accept."""
        return _OFFER.sub(b"", self.raw) + self.rest


async def read_start(stream: trio.SocketStream, limits: HttpLimits) -> Start | None:
    """The first request's head; None if the peer left before it was whole.

    Raises MatrixError for a head that is too large (431), too slow (408) or malformed.
    """
    data = bytearray()
    with trio.move_on_after(limits.head_seconds):
        while (end := data.find(_END)) < 0:
            if len(data) > limits.head_bytes or b"\n\n" in data:
                break
            chunk = await stream.receive_some(RECEIVE_BYTES)
            if not chunk:
                return None
            data += chunk
        return _start(bytes(data), end, limits)
    if not data:
        return None  # a connection kept in reserve, such as browsers open
    raise MatrixError("M_UNKNOWN", "the request took too long", status=408)


def _start(data: bytes, end: int, limits: HttpLimits) -> Start:
    if max(end, len(data) if end < 0 else 0) > limits.head_bytes:
        raise MatrixError("M_TOO_LARGE", "the head is too large", status=431)
    if end < 0:
        raise MatrixError("M_UNKNOWN", "lines end with CR LF", status=400)
    head = parse_head(data[:end])
    if not head.version.startswith("1."):
        raise MatrixError("M_UNKNOWN", "only HTTP/1.1 is spoken here", status=505)
    check_framing(head.headers)
    cut = end + len(_END)
    return Start(head, data[:cut], data[cut:])


def check_framing(headers: Iterable[Header]) -> int | None:
    """The length of the body, or None if it is chunked; 0 if there is none.

    Raises MatrixError where two readers could see two bodies (RFC 9112 6.1, 6.3).
    """
    lengths = [value for name, value in headers if name == b"content-length"]
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if codings and lengths:
        raise _refused("Content-Length and Transfer-Encoding exclude each other")
    if len(codings) > 1 or (codings and codings[0].lower() != b"chunked"):
        raise _refused("the only Transfer-Encoding is chunked")
    if codings:
        return None
    if len(lengths) > 1:
        raise _refused("Content-Length is there twice")
    if lengths and not _DIGITS.fullmatch(lengths[0]):
        raise _refused("Content-Length is not a number")
    return int(lengths[0]) if lengths else 0


def client_address(peer: str, headers: Iterable[Header], trusted_hops: int) -> str:
    """The address of the client: the peer's, or what trusted proxies say it is."""
    if not trusted_hops:
        return peer
    given = b",".join(v for name, v in headers if name == b"x-forwarded-for")
    hops = [hop.strip().decode("latin-1") for hop in given.split(b",") if hop.strip()]
    return hops[-trusted_hops] if len(hops) >= trusted_hops else peer


def _refused(why: str) -> MatrixError:
    return MatrixError("M_UNKNOWN", why, status=400)
