"""The store on SQLite: WAL, synchronous=FULL, one writer thread, reads beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import trio

from chatproto.decisions import Find, Row
from chatproto.errors import LocalError
from chatproto.ids import DeviceId, UserId
from chatproto.ports import (
    Migration,
    OnCommit,
    StoreConfirmed,
    Transaction,
)
from chatproto.storage import rows
from chatproto.storage.apply import select_all
from chatproto.storage.appservice_reads import AppserviceReads
from chatproto.storage.key_reads import KeyReads
from chatproto.storage.migrate import migrate
from chatproto.storage.relation_reads import RelationReads
from chatproto.storage.report_reads import ReportReads
from chatproto.storage.room_reads import RoomReads
from chatproto.storage.schema import MIGRATIONS
from chatproto.storage.search_reads import SearchReads
from chatproto.storage.stream_reads import StreamReads
from chatproto.storage.user_reads import UserReads
from chatproto.storage.writer import Writer

OWNER = "chatproto"


class SqliteStore(
    RoomReads,
    RelationReads,
    SearchReads,
    ReportReads,
    UserReads,
    StreamReads,
    KeyReads,
    AppserviceReads,
):
    """Keeps everything in one database file."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self._writer: Writer | None = None
        self._kinds: dict[str, list[tuple[str, str]]] = {}

    # opening and writing

    async def open(self, on_commit: OnCommit) -> None:
        """Raises LocalError if the file is of a newer schema, or no database."""
        try:
            self._reading = self._connect()
            migrate(self._reading, OWNER, MIGRATIONS)
            deliver = trio.lowlevel.current_trio_token().run_sync_soon
            self._writer = Writer(self._connect, on_commit, deliver)
        except (sqlite3.DatabaseError, LocalError) as error:
            self._close()
            if isinstance(error, LocalError):
                raise
            raise LocalError(f"{self._path} cannot be opened: {error}") from None
        self._writer.start()

    async def aclose(self) -> None:
        """Commit what was submitted, and close."""
        with trio.CancelScope(shield=True):
            if self._writer is not None:
                await trio.to_thread.run_sync(self._writer.stop)
                await trio.lowlevel.checkpoint()  # let what was committed be delivered
        self._writer = None
        self._close()

    def submit(self, transaction: Transaction) -> None:
        self._open_writer().submit(transaction)

    @property
    def pending(self) -> int:
        return self._open_writer().pending

    async def migrate(self, owner: str, migrations: Sequence[Migration]) -> None:
        migrate(self._db, owner, migrations)
        self._kinds.clear()

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise LocalError("the store is not open")
        return self._writer

    def confirm_to_device(
        self, user_id: UserId, device_id: DeviceId, through: int
    ) -> None:
        sql = (
            "select 1 from to_device where user_id=? and device_id=? and pos<=? limit 1"
        )
        if self._one(sql, user_id, device_id, through) is not None:
            confirmed = StoreConfirmed(user_id, device_id, through)
            self.submit(Transaction(writes=[confirmed]))

    # anything

    async def last_pos(self) -> int:
        noted = self._number("select value from meta where name='last_pos'")
        return max(noted, self._number("select max(pos) from events"))

    async def find(self, find: Find) -> Sequence[Row]:
        kinds = self._kinds.get(find.table)
        if kinds is None:
            kinds = rows.column_kinds(self._db, find.table)
            self._kinds[find.table] = kinds
        sql, values = select_all(find, {name for name, _ in kinds})
        found = self._db.execute(sql, values).fetchall()
        return [rows.named_row(kinds, row) for row in found]

    async def txn_reply(
        self,
        user_id: UserId,
        device_id: DeviceId,
        operation: str,
        txn_id: str,
    ) -> bytes | None:
        row = self._one(
            """select reply from txns
            where user_id=? and device_id=? and operation=? and txn_id=?""",
            user_id,
            device_id,
            operation,
            txn_id,
        )
        return None if row is None else str(row[0]).encode()
