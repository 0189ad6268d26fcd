"""The answers that do not come from the application, and headers for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from chatproto.canonical import dumps
from chatproto.errors import MatrixError

Headers = list[tuple[bytes, bytes]]

CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"X-Requested-With, Content-Type, Authorization",
    ),
    # Or a browser would ask before nearly every call whether it may make it.
    (b"access-control-max-age", b"86400"),
)
SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
NO_STORE: Final = (b"cache-control", b"no-store")
API_PATHS: Final = ("/_matrix/", "/_chatproto/")

_ERRCODES = {
    404: "M_UNRECOGNIZED",
    405: "M_UNRECOGNIZED",
    413: "M_TOO_LARGE",
    429: "M_LIMIT_EXCEEDED",
}


def with_common(headers: Iterable[tuple[bytes, bytes]], path: str) -> Headers:
    """The headers with those that every answer carries, unless they are there."""
    complete = list(headers)
    present = {name.lower() for name, _ in complete}
    complete += [h for h in (*CORS, *SECURITY) if h[0] not in present]
    if NO_STORE[0] not in present and path.startswith(API_PATHS):
        complete.append(NO_STORE)
    return complete


def error_for_status(status: int) -> MatrixError:
    """The error in place of a framework's page of HTML."""
    try:
        words = HTTPStatus(status).phrase
    except ValueError:
        words = "Error"
    return MatrixError(_ERRCODES.get(status, "M_UNKNOWN"), words, status=status)


def error_headers(error: MatrixError) -> Headers:
    """The headers that belong to an error, without the length of its body."""
    headers = [(b"content-type", b"application/json")]
    if error.retry_after_ms is not None:
        seconds = -(-error.retry_after_ms // 1000)
        headers.append((b"retry-after", str(seconds).encode()))
    if error.status == 426:
        headers += [(b"upgrade", b"websocket"), (b"sec-websocket-version", b"13")]
    return headers


def error_body(error: MatrixError) -> bytes:
    return dumps(error.to_json())


def raw_error(error: MatrixError) -> bytes:
    """A whole HTTP/1.1 answer, after which the connection is closed."""
    body = error_body(error)
    status = HTTPStatus(error.status)
    connection = b"close, upgrade" if status == 426 else b"close"
    length = (b"content-length", str(len(body)).encode())
    headers = with_common([*error_headers(error), length], API_PATHS[0])
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    lines += [b"connection: " + connection, b"", body]
    return b"\r\n".join(lines)
