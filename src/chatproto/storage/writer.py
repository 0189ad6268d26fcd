"""One thread writes; it takes all that waits, and commits that in one go.

No timer is needed: while one commit is under way the next batch gathers by itself, and
when nothing waits a single transaction is committed at once.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence

from chatproto.errors import LocalError
from chatproto.ports import OnCommit, Transaction
from chatproto.storage.apply import Applier

MAX_BATCH = 512


class StoreBrokenError(LocalError):
    """The disk has failed in a way after which nothing stored can be promised."""


class Writer:
    """Commits transactions in the order of `submit`.

    `deliver` hands a function to the event loop.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        on_commit: OnCommit,
        deliver: Callable[[Callable[[], None]], None],
    ) -> None:
        self._connect = connect
        self._on_commit = on_commit
        self._deliver = deliver
        self._queue: list[Transaction] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="chatproto-writer")

    @property
    def pending(self) -> int:
        return len(self._queue)

    def start(self) -> None:
        self._thread.start()

    def submit(self, transaction: Transaction) -> None:
        with self._wake:
            if self._stopping:
                raise LocalError("the store is closed")
            self._queue.append(transaction)
            self._wake.notify()

    def stop(self) -> None:
        """Commit what waits and end; to be called off the event loop."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        connection = self._connect()
        applier = Applier(connection)
        try:
            while batch := self._next():
                error = self._commit(connection, applier, batch)
                if error is not None:
                    batch += self._abandoned()
                self._report(batch, error)
        finally:
            connection.close()

    def _next(self) -> list[Transaction]:
        with self._wake:
            while not self._queue and not self._stopping:
                self._wake.wait()
            batch = self._queue[:MAX_BATCH]
            del self._queue[:MAX_BATCH]
            return batch

    def _abandoned(self) -> list[Transaction]:
        """What was built upon a failed transaction fails with it."""
        with self._wake:
            waiting, self._queue = self._queue, []
            return waiting

    def _commit(
        self,
        connection: sqlite3.Connection,
        applier: Applier,
        batch: Sequence[Transaction],
    ) -> BaseException | None:
        if self._broken is not None:
            return self._broken
        try:
            connection.execute("begin immediate")
            applier.apply_all(batch)
            connection.execute("commit")
        except Exception as error:  # noqa: BLE001  # whatever it was, nothing was stored
            return self._rolled_back(connection, error)
        return None

    def _rolled_back(
        self,
        connection: sqlite3.Connection,
        error: Exception,
    ) -> BaseException:
        try:
            if connection.in_transaction:
                connection.execute("rollback")
        except sqlite3.Error as second:
            self._broken = StoreBrokenError(
                f"the database cannot be rolled back: {second}"
            )
        # After a failed fsync the kernel may have dropped the pages: a retry that
        # succeeds would promise what is not there.
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_IOERR_FSYNC"):
            self._broken = StoreBrokenError(f"the disk has failed: {error}")
        return self._broken or error

    def _report(
        self, batch: Sequence[Transaction], error: BaseException | None
    ) -> None:
        self._deliver(lambda: self._on_commit(batch, error))
