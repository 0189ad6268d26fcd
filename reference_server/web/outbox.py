"""What waits to be sent to one peer: mostly nothing.

A frame goes to the kernel at once, without a task switch. Only when the kernel takes
no more is the rest kept, and one task started that writes it off. All of this belongs
to the trio thread; nothing here is safe to call from another one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import trio

from reference_server.web.limits import SocketLimits


class Outbox:
    """The bounded send queue of one connection.

    `nursery` is where the writer runs while there is a backlog; `clock` gives
    seconds. `on_drained` is called when a backlog has gone, unless the peer is gone.
    A single message over the limit is taken when nothing else waits.
    """

    __slots__ = (
        "_backlog",
        "_behind_since",
        "_broken",
        "_clock",
        "_drained",
        "_limits",
        "_nursery",
        "_queued",
        "_socket",
        "on_drained",
        "progressed_at",
    )

    def __init__(
        self,
        socket: trio.socket.SocketType,
        nursery: trio.Nursery,
        limits: SocketLimits,
        clock: Callable[[], float],
    ) -> None:
        self._socket = socket
        self._nursery = nursery
        self._limits = limits
        self._clock = clock
        self._backlog = bytearray()
        self._queued: list[bytes] | None = None
        self._behind_since = 0.0
        self._broken = False
        self._drained: trio.Event | None = None
        self.on_drained: Callable[[], None] | None = None
        self.progressed_at = 0.0

    @property
    def pending_bytes(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return len(self._backlog) + sum(map(len, self._queued or ()))

    @property
    def is_broken(self) -> bool:
        """Whether the peer is gone; nothing can be sent any more."""
        return self._broken

    def push(self, data: bytes) -> bool:
        """Send, or keep for the writer; False when the peer is behind or gone."""
        if self._queued:
            return self.queue(data) and self.flush()
        if self._backlog:
            return self._keep(data)
        return self._write(data)

    def push_many(self, frames: Iterable[bytes]) -> bool:
        """Send several frames with one call to the kernel, all of them or none."""
        return self.push(b"".join(frames))

    def queue(self, data: bytes) -> bool:
        """Keep until `flush`, so that the frames of one tick go out together."""
        if self._broken or not self._has_room(len(data)):
            return False
        if self._queued is None:
            self._queued = []
        self._queued.append(data)
        return True

    def flush(self) -> bool:
        """Send what is queued; False when the peer is gone."""
        queued, self._queued = self._queued, None
        if not queued:
            return not self._broken
        data = b"".join(queued)
        if self._backlog:
            self._backlog += data  # its room was checked when it was queued
            return True
        return self._write(data)

    def push_last(self, data: bytes) -> None:
        """Send a farewell, even to a peer that is behind."""
        self.flush()
        if self._backlog:
            self._backlog += data
        else:
            self._write(data)

    async def drained(self) -> None:
        """Send what is queued, and wait until the kernel has it or the peer is gone."""
        self.flush()
        await trio.lowlevel.checkpoint()
        while self._backlog and not self._broken:
            if self._drained is None:
                self._drained = trio.Event()
            await self._drained.wait()

    def _has_room(self, size: int) -> bool:
        pending = self.pending_bytes
        if not pending:
            return True
        if self._backlog and self._is_late():
            return False
        return pending + size <= self._limits.outbox_bytes

    def _is_late(self) -> bool:
        return self._clock() - self._behind_since >= self._limits.outbox_seconds

    def _keep(self, data: bytes) -> bool:
        if self._broken or not self._has_room(len(data)):
            return False
        self._backlog += data
        return True

    def _write(self, data: bytes) -> bool:
        sent = self._try_write(data)
        if sent is None:
            return False
        if sent < len(data):
            self._backlog += memoryview(data)[sent:]
            self._behind_since = self.progressed_at = self._clock()
            self._nursery.start_soon(self._write_on)
        return True

    def _try_write(self, data: bytes | bytearray) -> int | None:
        """How many bytes the kernel took; None if the peer is gone."""
        # trio's socket tells its descriptor as -1 once it is closed, so a number
        # that the system has given to another connection is never written to.
        try:
            return os.write(self._socket.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError:
            self._broken = True
            self._socket.close()  # wakes whoever is reading from it
            return None

    async def _write_on(self) -> None:
        while self._backlog and not self._broken:
            try:
                await trio.lowlevel.wait_writable(self._socket)
            except (OSError, ValueError, trio.ClosedResourceError):
                self._broken = True
                break
            sent = self._try_write(self._backlog)
            if sent:
                del self._backlog[:sent]
                self.progressed_at = self._clock()
        self._finish()

    def _finish(self) -> None:
        self._backlog = bytearray()
        if self._drained is not None:
            self._drained.set()
            self._drained = None
        if not self._broken and self.on_drained is not None:
            self.on_drained()
