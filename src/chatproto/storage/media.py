"""Files on the disk, each under its media ID."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import trio
from attrs import frozen

from chatproto.errors import MatrixError

_MEDIA_ID = re.compile(r"[0-9A-Za-z_-]{4,255}")
CHUNK_BYTES = 64 * 1024


@frozen
class FileMediaStore:
    """Keeps files in a folder; one is there whole or not at all."""

    folder: Path

    async def put(self, media_id: str, body: AsyncIterator[bytes]) -> int:
        path = self._path(media_id)
        await trio.to_thread.run_sync(
            lambda: path.parent.mkdir(parents=True, exist_ok=True)
        )
        partial = path.with_suffix(".part")
        size = 0
        try:
            async with await trio.open_file(partial, "wb") as file:
                async for chunk in body:
                    await file.write(chunk)
                    size += len(chunk)
                await file.flush()
                await trio.to_thread.run_sync(os.fsync, file.fileno())
            await trio.to_thread.run_sync(_put_in_place, partial, path)
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(lambda: partial.unlink(missing_ok=True))
        return size

    async def get(self, media_id: str) -> AsyncIterator[bytes]:
        async with await trio.open_file(self._path(media_id), "rb") as file:
            while chunk := await file.read(CHUNK_BYTES):
                yield chunk

    async def size(self, media_id: str) -> int | None:
        path = self._path(media_id)
        try:
            return (await trio.to_thread.run_sync(path.stat)).st_size
        except FileNotFoundError:
            return None

    async def delete(self, media_id: str) -> None:
        path = self._path(media_id)
        await trio.to_thread.run_sync(lambda: path.unlink(missing_ok=True))

    def _path(self, media_id: str) -> Path:
        if not _MEDIA_ID.fullmatch(media_id):
            raise MatrixError("M_INVALID_PARAM", "this is not a media ID")
        return self.folder / media_id[:2] / f"{media_id[2:]}.bin"


def _put_in_place(partial: Path, path: Path) -> None:
    """Give a file its name, also on the disk: a folder has to be synced itself."""
    partial.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
