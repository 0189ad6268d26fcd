"""A TCP connection that Hypercorn reads and writes, until it is taken over."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio

from reference_server.web.answers import error_for_status, raw_error

# What Hypercorn says by itself to a request that its parser refuses.
_BARE = re.compile(
    rb"HTTP/1\.1 ([45][0-9]{2}) [^\r\n]*\r\n"
    rb"content-length: 0\r\nconnection: close\r\n",
)

# Where a scope's `state` holds the connection that the request came in on.
CONNECTION = "chatproto.connection"


class Connection:
    """The stream handed to Hypercorn's TCPServer: what was read so far comes first.

    `on_end` is called once the peer has hung up, `on_broken` when it takes no more.
    """

    def __init__(self, stream: trio.SocketStream, pushed_back: bytes) -> None:
        self._stream = stream
        self._pushed_back = pushed_back
        self.on_end: Callable[[], Awaitable[None]] | None = None
        self.on_broken: Callable[[], None] | None = None
        self._scope: trio.CancelScope | None = None
        self._taken = trio.Event()
        self._parked = trio.Event()
        self._released = trio.Event()

    @property
    def socket(self) -> trio.socket.SocketType:
        return self._stream.socket

    async def receive_some(self, max_bytes: int) -> bytes:
        if self._pushed_back:
            data, self._pushed_back = self._pushed_back, b""
            return data
        if not self._taken.is_set():
            with trio.CancelScope() as self._scope:
                data = await self._read(max_bytes)
                if not self._taken.is_set():
                    return data
                self._pushed_back = data
        self._parked.set()
        await self._released.wait()
        return b""

    async def _read(self, max_bytes: int) -> bytes:
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except trio.BrokenResourceError:
            data = b""
        if not data and self.on_end is not None:
            await self.on_end()
        return data

    async def send_all(self, data: bytes) -> None:
        if self._taken.is_set():
            return
        bare = _BARE.match(data)
        if bare is not None:
            data = raw_error(error_for_status(int(bare[1])))
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            if self.on_broken is not None:
                self.on_broken()
            raise
        except trio.BusyResourceError as error:
            # Hypercorn's reader is closing the connection under the answer.
            raise trio.BrokenResourceError from error

    async def send_eof(self) -> None:
        if not self._taken.is_set():
            await self._stream.send_eof()

    async def aclose(self) -> None:
        if not self._taken.is_set():
            await self._stream.aclose()

    def abort(self) -> None:
        """Cut the connection under Hypercorn's feet."""
        self._stream.socket.close()

    async def take_over(self) -> tuple[trio.SocketStream, bytes]:
        """The bare stream, with what was read of it already.

        From here on Hypercorn reads and writes nothing, until `release`.
        """
        self._taken.set()
        if self._scope is not None:
            self._scope.cancel()
        await self._parked.wait()
        return self._stream, self._pushed_back

    def release(self) -> None:
        """Tell Hypercorn that the connection has ended."""
        with suppress(OSError):
            self._stream.socket.close()
        self._released.set()
