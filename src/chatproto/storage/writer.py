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

# After a failed fsync the kernel may have dropped the pages: a retry that succeeds
# would promise what is not there. A write that failed (the disk is full) promises
# nothing, and may be tried again.
_FATAL = ("SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC", "SQLITE_CORRUPT")


class StoreBrokenError(LocalError):
    """The disk has failed in a way after which nothing stored can be promised."""


class Writer:
    """Commits transactions in the order of `submit`.

    `deliver` hands a function to the event loop. A failed transaction takes with it all
    that was submitted until the loop has been told: it may have been built upon it.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        on_commit: OnCommit,
        deliver: Callable[[Callable[[], None]], None],
    ) -> None:
        self._connection = connect()  # here, where a failure still has somebody to tell
        self._on_commit = on_commit
        self._deliver = deliver
        self._queue: list[Transaction] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._failing = False
        self._broken: BaseException | None = None
        # A daemon: an event loop that has crashed must not leave the process hanging.
        self._thread = threading.Thread(
            target=self._run, name="chatproto-writer", daemon=True
        )

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
        applier = Applier(self._connection)
        try:
            while batch := self._next():
                self._report(batch, self._commit(applier, batch))
        except RuntimeError:  # the event loop has ended without `stop`
            return
        finally:
            self._connection.close()

    def _next(self) -> list[Transaction]:
        with self._wake:
            while self._failing or not (self._queue or self._stopping):
                self._wake.wait()
            batch = self._queue[:MAX_BATCH]
            del self._queue[:MAX_BATCH]
            return batch

    def _commit(
        self, applier: Applier, batch: Sequence[Transaction]
    ) -> BaseException | None:
        if self._broken is not None:
            return self._broken
        try:
            self._connection.execute("begin immediate")
            applier.apply_all(batch)
            self._connection.execute("commit")
        except Exception as error:  # noqa: BLE001  # whatever it was, nothing was stored
            return self._rolled_back(error)
        return None

    def _rolled_back(self, error: Exception) -> BaseException:
        try:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
        except sqlite3.Error as second:
            self._broken = StoreBrokenError(
                f"the database cannot be rolled back: {second}"
            )
        if getattr(error, "sqlite_errorname", "").startswith(_FATAL):
            self._broken = StoreBrokenError(f"the disk has failed: {error}")
        return self._broken or error

    def _report(self, batch: list[Transaction], error: BaseException | None) -> None:
        if error is None:
            self._deliver(lambda: self._on_commit(batch, None))
        else:
            with self._wake:
                self._failing = True
            self._deliver(lambda: self._fail(batch, error))

    def _fail(self, batch: list[Transaction], error: BaseException) -> None:
        with self._wake:
            batch += self._queue
            self._queue = []
            self._failing = False
            self._wake.notify()
        self._on_commit(batch, error)
