"""Files on their way in: how large, how many, under which name."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from weakref import WeakValueDictionary

import trio
from attrs import define, field, frozen

from chatproto.decisions import Caller, Decision, Delete, Find, Put, Row, Write
from chatproto.errors import MatrixError
from chatproto.ids import MxcUri, UserId
from chatproto.ports import MediaStore
from chatproto.server.engine import Engine
from chatproto.server.tokens import make_token

DAY_MS = 86_400_000
MAX_WAIT_MS = 60_000
MEDIA_ID_BYTES = 18


@frozen(kw_only=True)
class Incoming:
    """A file that somebody sends; `length` is what was announced, in bytes."""

    content_type: str
    name: str | None
    length: int
    body: AsyncGenerator[bytes]


@define(eq=False)
class Uploads:
    """Takes files into a store, and knows those that are there."""

    engine: Engine
    files: MediaStore
    _on_the_way: Counter[UserId] = field(factory=Counter)
    _being_sent: set[str] = field(factory=set)
    _arrivals: WeakValueDictionary[str, trio.Event] = field(factory=WeakValueDictionary)

    async def take(self, caller: Caller, file: Incoming) -> MxcUri:
        """Store a file under a new name. Raises MatrixError."""
        media_id = make_token("", self.engine.random(MEDIA_ID_BYTES))
        await self._take(caller, media_id, file)
        return MxcUri(f"mxc://{self.engine.server}/{media_id}")

    async def keep(self, caller: Caller, media_id: str, file: Incoming) -> MxcUri:
        """Store a file under a name that follows from its bytes, if it is not there.

        Raises MatrixError.
        """
        known = media_id in self._being_sent or await self._row("media", media_id)
        if not known:
            self._being_sent.add(media_id)
            try:
                await self._take(caller, media_id, file)
            finally:
                self._being_sent.discard(media_id)
        return MxcUri(f"mxc://{self.engine.server}/{media_id}")

    async def take_announced(
        self, caller: Caller, server: str, media_id: str, file: Incoming
    ) -> None:
        """Store a file under a name that was given out. Raises MatrixError."""
        if server != self.engine.server:
            raise _not_found()
        if media_id in self._being_sent or await self._row("media", media_id):
            raise MatrixError("M_CANNOT_OVERWRITE_MEDIA", "this file is there already")
        announced = await self._row("media_pending", media_id)
        if announced is None or announced["expires_ts"] <= self.engine.clock.now_ms():
            raise _not_found()
        if announced["user_id"] != caller.user:
            raise MatrixError("M_FORBIDDEN", "somebody else has announced this file")
        if media_id in self._being_sent:
            raise MatrixError("M_CANNOT_OVERWRITE_MEDIA", "this file is being sent")
        self._being_sent.add(media_id)
        try:
            forget = Delete(table="media_pending", where={"media_id": media_id})
            await self._take(caller, media_id, file, forget)
        finally:
            self._being_sent.discard(media_id)

    async def find(self, server: str, media_id: str, timeout_ms: int) -> Row:
        """The row of a file; waits for one that is announced. Raises MatrixError."""
        if server != self.engine.server:
            raise _not_found()
        row = await self._row("media", media_id)
        if row is not None:
            return row
        if await self._row("media_pending", media_id) is None:
            raise _not_found()
        arrival = self._arrivals.setdefault(media_id, trio.Event())
        # It may have come while we looked; from here on nothing is missed.
        row = await self._row("media", media_id)
        if row is None:
            with trio.move_on_after(max(0, min(timeout_ms, MAX_WAIT_MS)) / 1000):
                await arrival.wait()
            row = await self._row("media", media_id)
        if row is None:
            raise MatrixError("M_NOT_YET_UPLOADED", "this file is not uploaded yet")
        return row

    async def _take(
        self, caller: Caller, media_id: str, file: Incoming, *also: Write
    ) -> None:
        limit = self.engine.settings.upload_bytes
        if file.length > limit:
            raise _too_large(limit)
        counted = file.length
        self._on_the_way[caller.user] += counted
        try:
            await self._check_use(caller.user)
            async with aclosing(_limited(file.body, limit)) as body:
                size = await self.files.put(media_id, body)
            try:
                self._on_the_way[caller.user] += size - counted
                counted = size
                await self._check_use(caller.user)
                with trio.CancelScope(shield=True):  # the row may be stored by then
                    await self._commit(caller, media_id, file, size, *also)
            except BaseException:
                with trio.CancelScope(shield=True):
                    await self.files.delete(media_id)
                raise
        finally:
            self._on_the_way[caller.user] -= counted
            self._on_the_way += Counter()  # those who send nothing are forgotten
        arrival = self._arrivals.get(media_id)
        if arrival is not None:
            arrival.set()

    async def _commit(
        self, caller: Caller, media_id: str, file: Incoming, size: int, *also: Write
    ) -> None:
        row = {
            "media_id": media_id,
            "user_id": caller.user,
            "content_type": file.content_type,
            "name": file.name,
            "size": size,
            "created_ts": self.engine.clock.now_ms(),
        }
        writes = (Put(table="media", row=row), *also)
        await self.engine.commit(caller, Decision(writes=writes))

    async def _check_use(self, user: UserId) -> None:
        """Whether a user's files, with all that are on the way, are not too many."""
        settings, now_ms = self.engine.settings, self.engine.clock.now_ms()
        total, today = await self.engine.store.media_bytes(user, now_ms - DAY_MS)
        coming = self._on_the_way[user]
        if total + coming > settings.media_bytes:
            message = f"your files may take {settings.media_bytes} bytes in all"
            raise MatrixError("M_FORBIDDEN", message)
        if today + coming > settings.media_day_bytes:
            message = f"{settings.media_day_bytes} bytes may be uploaded in 24 hours"
            raise MatrixError("M_LIMIT_EXCEEDED", message, retry_after_ms=3_600_000)

    async def _row(self, table: str, media_id: str) -> Row | None:
        rows = await self.engine.store.find(
            Find(table=table, where={"media_id": media_id})
        )
        return rows[0] if rows else None


async def _limited(body: AsyncGenerator[bytes], limit: int) -> AsyncGenerator[bytes]:
    size = 0
    async with aclosing(body) as chunks:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            yield chunk


def _too_large(limit: int) -> MatrixError:
    return MatrixError("M_TOO_LARGE", f"a file has at most {limit} bytes")


def _not_found() -> MatrixError:
    return MatrixError("M_NOT_FOUND", "there is no such file here")
