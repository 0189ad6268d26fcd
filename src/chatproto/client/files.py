"""Files as they travel: in pieces, never whole in memory unless asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeAlias

import trio
from attrs import define, field

CHUNK_BYTES = 64 * 1024

# Bytes so far, bytes in all; 0 in all if that is not known.
Progress: TypeAlias = Callable[[int, int], None]


@define(eq=False)
class Download:
    """A file on its way here: read its pieces as they come, once.

    `size` is in bytes, None if the server did not tell.
    """

    size: int | None
    content_type: str
    chunks: AsyncIterator[bytes] = field(repr=False)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.chunks

    async def read(self) -> bytes:
        """All of it, in memory."""
        return b"".join([chunk async for chunk in self])

    async def save(self, path: Path, *, progress: Progress | None = None) -> None:
        """Write it to a path, which is there whole or not at all."""
        partial = path.with_name(f"{path.name}.part")
        try:
            async with await trio.open_file(partial, "wb") as file:
                async for chunk in counted(self, self.size or 0, progress):
                    await file.write(chunk)
            await trio.to_thread.run_sync(partial.replace, path)
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(lambda: partial.unlink(missing_ok=True))


async def file_chunks(path: Path) -> AsyncIterator[bytes]:
    async with await trio.open_file(path, "rb") as file:
        while chunk := await file.read(CHUNK_BYTES):
            yield chunk


async def counted(
    chunks: AsyncIterator[bytes] | Download, total: int, progress: Progress | None
) -> AsyncIterator[bytes]:
    """The same chunks; `progress` is told after each has been taken."""
    done = 0
    async for chunk in chunks:
        yield chunk
        done += len(chunk)
        if progress is not None:
            progress(done, total)
