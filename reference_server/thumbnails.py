"""Thumbnails: made when they are first asked for, one kind of a file only once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from weakref import WeakValueDictionary

import trio
from attrs import define, field

from chatproto.errors import MatrixError
from chatproto.ports import MediaStore
from reference_server.thumbnail_sizes import MAX_BYTES, NoPicture, Wanted

AT_ONCE = 2
MAX_WAITING = 200


@define(eq=False)
class Thumbnails:
    """Small versions of the pictures among `files`, kept in `made`."""

    files: MediaStore
    made: MediaStore
    _workers: trio.CapacityLimiter = field(
        factory=lambda: trio.CapacityLimiter(AT_ONCE)
    )
    _turns: WeakValueDictionary[str, trio.Lock] = field(factory=WeakValueDictionary)

    async def get(self, media_id: str, wanted: Wanted) -> bytes:
        """A thumbnail's bytes. Raises MatrixError."""
        name = f"{media_id}-{wanted.name}"
        turn = self._turns.setdefault(name, trio.Lock())
        async with turn:
            if await self.made.size(name) is None:
                await self._make(media_id, wanted, name)
            thumbnail = await read(self.made, name)
        if not thumbnail:
            raise NoPicture
        return thumbnail

    async def _make(self, media_id: str, wanted: Wanted, name: str) -> None:
        if self._workers.statistics().tasks_waiting >= MAX_WAITING:
            raise MatrixError(
                "M_LIMIT_EXCEEDED",
                "too many thumbnails are being made; try again",
                retry_after_ms=1000,
            )
        if (await self.files.size(media_id) or 0) > MAX_BYTES:
            raise MatrixError("M_TOO_LARGE", "the file is too large for a thumbnail")
        async with self._workers:  # before reading, which takes memory
            data = await read(self.files, media_id)
            try:
                made = await trio.to_thread.run_sync(make_thumbnail, data, wanted)
            except NoPicture:
                made = b""  # so that nobody lets us try again and again
        await self.made.put(name, _once(made))


def make_thumbnail(data: bytes, wanted: Wanted) -> bytes:
    # Here, for the readers of pictures take as long to load as the rest of a server.
    from reference_server import thumbnail

    return thumbnail.make_thumbnail(data, wanted)


async def read(files: MediaStore, media_id: str) -> bytes:
    """All bytes of a file, which is known to be small."""
    async with aclosing(files.get(media_id)) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
