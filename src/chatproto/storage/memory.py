"""The store for tests: the same SQL, but in memory and without a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import trio

from chatproto.errors import LocalError
from chatproto.ports import OnCommit, Transaction
from chatproto.storage.apply import Applier
from chatproto.storage.migrate import migrate
from chatproto.storage.reads import T
from chatproto.storage.schema import MIGRATIONS
from chatproto.storage.sqlite import OWNER, SqliteStore


class MemoryStore(SqliteStore):
    """Forgets everything when it is closed.

    Commits when the event loop comes round, so that whoever submits sees the same
    order of things as with a file.
    """

    def __init__(self) -> None:
        super().__init__(":memory:")
        self._waiting: list[Transaction] = []
        self._applying: Applier | None = None
        self._on_commit: OnCommit | None = None
        self._token: trio.lowlevel.TrioToken | None = None

    async def open(self, on_commit: OnCommit) -> None:
        self._reading = sqlite3.connect(
            ":memory:",
            isolation_level=None,
            check_same_thread=False,
        )
        migrate(self._reading, OWNER, MIGRATIONS)
        self._on_commit = on_commit
        self._token = trio.lowlevel.current_trio_token()

    async def aclose(self) -> None:
        self._commit()
        self._token = None
        self._close()

    def submit(self, transaction: Transaction) -> None:
        if self._token is None:
            raise LocalError("the store is not open")
        self._waiting.append(transaction)
        if len(self._waiting) == 1:
            self._token.run_sync_soon(self._commit)

    @property
    def pending(self) -> int:
        return len(self._waiting)

    async def _in_thread(self, read: Callable[[sqlite3.Connection], T]) -> T:
        return read(self._db)

    def _applier(self) -> Applier:
        if self._applying is None:
            self._applying = Applier(self._db)
        return self._applying

    def _commit(self) -> None:
        batch, self._waiting = self._waiting, []
        if not batch or self._on_commit is None:
            return
        error: BaseException | None = None
        try:
            self._db.execute("begin")
            self._applier().apply_all(batch)
            self._db.execute("commit")
        except Exception as failure:  # noqa: BLE001  # whatever it was, nothing was stored
            if self._db.in_transaction:
                self._db.execute("rollback")
            error = failure
        self._on_commit(batch, error)
