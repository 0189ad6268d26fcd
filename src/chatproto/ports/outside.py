"""What a server needs beside a store: the time, keys, files, other processes."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Mapping,
)
from typing import Any, Protocol

from chatproto.signing import SigningKey


class Clock(Protocol):
    """The time of day, in milliseconds since the epoch, and a steady one."""

    def now_ms(self) -> int: ...
    def monotonic(self) -> float: ...


class KeyStore(Protocol):
    """The server's signing keys."""

    def signing_key(self) -> SigningKey: ...


class MediaStore(Protocol):
    """Where files are kept, by a media ID that was checked by grammar."""

    async def put(self, media_id: str, body: AsyncIterator[bytes]) -> int:
        """Store a file whole or not at all; returns its size in bytes."""
        ...

    def get(
        self, media_id: str, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes]:
        """The bytes of a file from `start` up to, not including, `end`."""
        ...

    async def size(self, media_id: str) -> int | None: ...
    async def delete(self, media_id: str) -> None: ...


class Broker(Protocol):
    """Carries what is delivered between the processes of one server."""

    def publish(self, topic: str, message: Mapping[str, Any]) -> None: ...
    def subscribe(
        self, topic: str, receive: Callable[[Mapping[str, Any]], None]
    ) -> None: ...
