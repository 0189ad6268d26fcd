"""Reading a database beside the thread that writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import trio

from chatproto.errors import LocalError

BUSY_MS = 5_000
# Busy pages are written to the log again and again, but to the database only once for
# each checkpoint: 32 MiB of log make checkpoints rare.
CHECKPOINT_PAGES = 8_000

T = TypeVar("T")


class Reads:
    """Connections to one database file, and how statements run on them.

    Short reads run where they are called, on a connection of the event loop's own; WAL
    lets them pass the writer. Long ones run in a thread.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self._reading: sqlite3.Connection | None = None
        self._idle: list[sqlite3.Connection] = []
        self._in_threads = trio.CapacityLimiter(2)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
        # Statement journals are no part of what is promised; a file each costs much.
        connection.execute("pragma temp_store=memory")
        connection.execute(f"pragma wal_autocheckpoint={CHECKPOINT_PAGES}")
        return connection

    def _close(self) -> None:
        for connection in (*self._idle, self._reading):
            if connection is not None:
                connection.close()
        self._idle, self._reading = [], None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._reading is None:
            raise LocalError("the store is not open")
        return self._reading

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, values).fetchall()

    def _one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
        return row

    def _number(self, sql: str, *values: Any) -> int:
        row = self._one(sql, *values)
        return 0 if row is None or row[0] is None else int(row[0])

    @contextmanager
    def _snapshot(self) -> Generator[None]:
        """Several reads see the same commits; nothing may be awaited in between."""
        self._db.execute("begin")
        try:
            yield
        finally:
            self._db.execute("rollback")

    async def _in_thread(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """A read that may be long, on a connection of its own."""

        def run() -> T:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect()
            try:
                return read(connection)
            finally:
                self._idle.append(connection)

        return await trio.to_thread.run_sync(run, limiter=self._in_threads)
