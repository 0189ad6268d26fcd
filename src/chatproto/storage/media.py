"""Files on the disk, each under its media ID."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import trio
from attrs import frozen

from chatproto.errors import MatrixError

_MEDIA_ID = re.compile(r"[0-9A-Za-z_-]{4,255}")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CHUNK_BYTES = 64 * 1024


@frozen
class FileMediaStore:
    """Keeps files in a folder; one is there whole or not at all.

    When less than `spare_bytes` of the disk are free, no more are taken: what is left
    is for messages.
    """

    folder: Path
    spare_bytes: int = 256 * 1024 * 1024

    async def put(self, media_id: str, body: AsyncIterator[bytes]) -> int:
        """Raises MatrixError M_UNAVAILABLE, status 507, if there is no space."""
        path = self._path(media_id)
        await trio.to_thread.run_sync(self._make_ready, path.parent)
        partial = path.with_suffix(".part")
        try:
            size = await _write(partial, body)
            await trio.to_thread.run_sync(_put_in_place, partial, path)
        except OSError as error:
            if error.errno in _FULL:
                raise _no_space() from error
            raise
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(lambda: partial.unlink(missing_ok=True))
        return size

    async def get(
        self, media_id: str, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes]:
        async with await trio.open_file(self._path(media_id), "rb") as file:
            if start:
                await file.seek(start)
            left = CHUNK_BYTES if end is None else end - start
            while chunk := await file.read(min(CHUNK_BYTES, left)):
                yield chunk
                if end is not None:
                    left -= len(chunk)

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

    def _make_ready(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < self.spare_bytes:
            raise _no_space()


async def _write(path: Path, body: AsyncIterator[bytes]) -> int:
    size = 0
    async with await trio.open_file(path, "wb") as file:
        async for chunk in body:
            await file.write(chunk)
            size += len(chunk)
        await file.flush()
        await trio.to_thread.run_sync(os.fsync, file.fileno())
    return size


def _no_space() -> MatrixError:
    message = "this server has no space left for files"
    return MatrixError("M_UNAVAILABLE", message, status=507)


def _put_in_place(partial: Path, path: Path) -> None:
    """Give a file its name, also on the disk: a folder has to be synced itself."""
    partial.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
