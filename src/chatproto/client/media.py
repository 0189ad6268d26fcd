"""Files up and down, in pieces, with progress."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from attrs import frozen

from chatproto.client.files import Download, Progress, counted, file_chunks
from chatproto.client.login import with_token
from chatproto.client.tokens import Credentials
from chatproto.client.transport import Transport
from chatproto.ids import MxcUri, media_id
from chatproto.operations.media import GetThumbnail

if TYPE_CHECKING:
    from chatproto.client.session import Session


@frozen
class Files:
    """Files of a server, by whoever has the credentials."""

    transport: Transport
    credentials: Credentials

    async def upload(
        self, path: Path, content_type: str, progress: Progress | None
    ) -> MxcUri:
        size = (await trio.to_thread.run_sync(path.stat)).st_size

        async def send(token: str) -> MxcUri:
            return await self.transport.upload(
                counted(file_chunks(path), size, progress),
                size=size,
                name=path.name,
                content_type=content_type,
                token=token,
            )

        return await with_token(self.credentials, send)

    def download(self, uri: MxcUri) -> AbstractAsyncContextManager[Download]:
        return self._opened(partial(self.transport.download, uri))

    def thumbnail(
        self, uri: MxcUri, width: int, height: int, *, method: str, animated: bool
    ) -> AbstractAsyncContextManager[Download]:
        server, name = media_id(uri)
        request = GetThumbnail(
            server_name=server,
            media_id=name,
            width=width,
            height=height,
            method=method,
            animated=animated,
        )
        return self._opened(partial(self.transport.thumbnail, request))

    @asynccontextmanager
    async def _opened(
        self, opening: Callable[[str], AbstractAsyncContextManager[Download]]
    ) -> AsyncGenerator[Download]:
        async with AsyncExitStack() as stack:

            async def begin(token: str) -> Download:
                return await stack.enter_async_context(opening(token))

            yield await with_token(self.credentials, begin)


async def upload(
    session: Session,
    path: Path,
    *,
    content_type: str = "application/octet-stream",
    progress: Progress | None = None,
) -> MxcUri:
    """Upload a file, in pieces. Raises MatrixError if it is refused."""
    return await session.upload(path, content_type=content_type, progress=progress)


async def download(
    session: Session,
    uri: MxcUri,
    path: Path,
    *,
    progress: Progress | None = None,
) -> None:
    """Download a file to a path, which is there whole or not at all.

    Raises MatrixError if there is none, Disconnected if it breaks off.
    """
    async with session.download(uri) as file:
        await file.save(path, progress=progress)
