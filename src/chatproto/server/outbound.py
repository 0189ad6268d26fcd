"""The guard of what this server asks of others: no URL leads to an internal address.

A name is resolved once, every address found is checked, and the connection goes to an
address that was checked: neither a redirect nor a second answer of the name server
leads elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import aclosing, contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any

import httpcore2
import httpx2
import trio
from attrs import frozen

from chatproto.errors import ChatprotoError
from chatproto.server.reach import PUBLIC_WEB, Reach

MAX_ADDRESSES = 8


class AddressRefused(ChatprotoError):  # noqa: N818  # a decision, not a mistake
    """This server does not connect there."""


async def checked_addresses(host: str, port: int, reach: Reach) -> list[str]:
    """The addresses of a host, all of which this server may connect to.

    Raises AddressRefused, OSError if the name is not known.
    """
    found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    for address in addresses:
        if not reach.allows(ip_address(address), port):
            raise AddressRefused(f"this server does not connect to {host[:255]}:{port}")
    return addresses[:MAX_ADDRESSES]


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections to checked addresses only."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._inner: Any = httpcore2.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # as the interface has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            with trio.fail_after(float("inf") if timeout is None else timeout):
                addresses = await checked_addresses(host, port, self._reach)
                return await self._first(
                    addresses, port, local_address, socket_options or ()
                )
        except (AddressRefused, OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(str(error)) from error
        except trio.TooSlowError:
            raise httpcore2.ConnectTimeout(f"no connection to {host} in time") from None

    async def _first(
        self,
        addresses: list[str],
        port: int,
        local_address: str | None,
        socket_options: Iterable[Any],
    ) -> httpcore2.AsyncNetworkStream:
        failure = httpcore2.ConnectError("the name has no address")
        for address in addresses:
            try:
                opened: httpcore2.AsyncNetworkStream = await self._inner.connect_tcp(
                    address, port, None, local_address, socket_options
                )
                return opened
            except httpcore2.ConnectError as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  # as the interface has it
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise httpcore2.ConnectError("this server connects to no local sockets")

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


class AnswerRefused(httpx2.TransportError):
    """An answer is longer than it may be, or compressed though nobody asked for it."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 to where a server may connect to, with answers of at most `max_bytes`.

    `ssl_context` is for servers whose certificate the machine does not trust by
    itself.
    """

    def __init__(self, reach: Reach, max_bytes: int, ssl_context: Any = None) -> None:
        self._max_bytes = max_bytes
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=20,
            max_keepalive_connections=10,
            keepalive_expiry=30,
            network_backend=GuardedBackend(reach),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        asked = httpcore2.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _errors_of_httpcore():
            answer = await self._pool.handle_async_request(asked)
        response = httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream, self._max_bytes),
            extensions=answer.extensions,
        )
        # What is small on the way and huge when inflated is not even begun.
        if response.headers.get("content-encoding", "identity") != "identity":
            await answer.aclose()
            raise AnswerRefused("the answer is compressed")
        return response

    async def aclose(self) -> None:
        await self._pool.aclose()


@frozen(eq=False)
class _Body(httpx2.AsyncByteStream):
    stream: Any
    limit: int

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        size = 0
        with _errors_of_httpcore():
            async with aclosing(aiter(self.stream)) as parts:
                async for part in parts:
                    size += len(part)
                    if size > self.limit:
                        raise AnswerRefused(f"the answer is over {self.limit} bytes")
                    yield part

    async def aclose(self) -> None:
        await self.stream.aclose()


@contextmanager
def _errors_of_httpcore() -> Generator[None]:
    try:
        yield
    except httpcore2.TimeoutException as error:
        raise httpx2.TimeoutException(str(error)) from error
    except (
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
        httpcore2.UnsupportedProtocol,
    ) as error:
        raise httpx2.TransportError(str(error)) from error


def guarded_client(
    reach: Reach = PUBLIC_WEB,
    *,
    max_bytes: int = 1024 * 1024,
    step_seconds: float = 10,
    user_agent: str = "chatproto",
    ssl_context: Any = None,
) -> httpx2.AsyncClient:
    """An HTTP client for URLs that strangers give; it follows no redirects by itself.

    `step_seconds` bounds one step (connect, read, write), so bound the whole as well.
    Refused addresses and answers are httpx2.TransportError; a URL that is none is
    httpx2.InvalidURL.
    """
    return httpx2.AsyncClient(
        transport=GuardedTransport(reach, max_bytes, ssl_context),
        timeout=step_seconds,
        follow_redirects=False,
        trust_env=False,
        # One client asks for many users: nothing links them, and no jar grows.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
    )
