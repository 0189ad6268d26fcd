"""Files up and down, with progress."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import trio

from chatproto.client.session import Session
from chatproto.client.transport import NetworkTransport
from chatproto.errors import LocalError
from chatproto.ids import MxcUri, media_id, parse_mxc

CHUNK_BYTES = 64 * 1024

Progress: TypeAlias = Callable[[int, int], None]  # bytes so far, bytes in all


async def upload(
    session: Session,
    path: Path,
    *,
    content_type: str = "application/octet-stream",
    progress: Progress | None = None,
) -> MxcUri:
    """Upload a file, streamed. Raises MatrixError if it is refused."""
    total = (await trio.to_thread.run_sync(path.stat)).st_size

    async def body() -> AsyncIterator[bytes]:
        done = 0
        async with await trio.open_file(path, "rb") as file:
            while chunk := await file.read(CHUNK_BYTES):
                yield chunk
                done += len(chunk)
                if progress is not None:
                    progress(done, total)

    answer = await _network(session).request(
        "POST",
        f"/_matrix/media/v3/upload?filename={quote(path.name)}",
        content=body(),
        headers={
            "Authorization": f"Bearer {session.token}",
            "Content-Type": content_type,
            "Content-Length": str(total),
        },
    )
    return parse_mxc(answer.json()["content_uri"])


async def download(
    session: Session,
    uri: MxcUri,
    path: Path,
    *,
    progress: Progress | None = None,
) -> None:
    """Download a file to a path, which is there whole or not at all."""
    server, name = media_id(uri)
    answer = await _network(session).request(
        "GET",
        f"/_matrix/client/v1/media/download/{server}/{name}",
        headers={"Authorization": f"Bearer {session.token}"},
    )
    partial = path.with_suffix(f"{path.suffix}.part")
    async with await trio.open_file(partial, "wb") as file:
        await file.write(answer.content)
    if progress is not None:
        progress(len(answer.content), len(answer.content))
    await trio.to_thread.run_sync(partial.replace, path)


def _network(session: Session) -> NetworkTransport:
    if not isinstance(session.transport, NetworkTransport):
        raise LocalError("files need a session over the network")
    return session.transport
