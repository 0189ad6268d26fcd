"""Forgetting the answers to calls that nobody will repeat any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from chatproto.ports import StoreTxn, Transaction

# A phone may come back from a drawer and send what it had queued: a month is long for
# that. Synapse keeps a day, which its users notice as doubled messages.
KEPT_MS = 30 * 24 * 3_600_000
# After so many transactions so many rows are looked at, in the order of their key: all
# are seen in turn, without an index that each message would pay for.
EVERY = 200
LOOKED_AT = 500

_NEXT = """select user_id, device_id, operation, txn_id, ts from txns
where (user_id, device_id, operation, txn_id) > (?,?,?,?)
order by user_id, device_id, operation, txn_id limit ?"""
_DELETE = (
    "delete from txns where user_id=? and device_id=? and operation=? and txn_id=?"
)
_START = ("", "", "", "")


class OldTxns:
    """Deletes old rows of `txns` bit by bit, as part of the writer's transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._passed = 0
        self._place: tuple[str, ...] = _START

    def after(self, batch: Sequence[Transaction]) -> None:
        """Look at the next rows, if it is time; the time of day is the batch's own."""
        self._passed += len(batch)
        if self._passed < EVERY:
            return
        writes = (write for transaction in batch for write in transaction.writes)
        now_ms = max((w.ts for w in writes if type(w) is StoreTxn), default=None)
        if now_ms is not None:
            self._passed = 0
            self._look(now_ms - KEPT_MS)

    def _look(self, before_ms: int) -> None:
        rows = self._connection.execute(_NEXT, (*self._place, LOOKED_AT)).fetchall()
        old = [row[:4] for row in rows if row[4] < before_ms]
        self._connection.executemany(_DELETE, old)
        self._place = rows[-1][:4] if len(rows) == LOOKED_AT else _START
