"""The store on SQLite: WAL, synchronous=FULL, one writer thread, reads beside it.

Short reads run where they are called, on a connection of the event loop's own; WAL lets
them pass the writer. Searches run in a thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import orjson
import trio

from chatproto.canonical import JsonObject
from chatproto.decisions import Find, Row, SeenEvent
from chatproto.errors import LocalError
from chatproto.ids import DeviceId, EventId, RoomId, UserId
from chatproto.ports import (
    AccountDataRow,
    MembershipRow,
    Migration,
    OnCommit,
    ReceiptRow,
    RoomRow,
    StoreConfirmed,
    ToDeviceRow,
    Transaction,
    Unread,
)
from chatproto.rooms.timeline import Timeline
from chatproto.rooms.version import room_version
from chatproto.storage import rows
from chatproto.storage.apply import search_text, select_all
from chatproto.storage.migrate import migrate
from chatproto.storage.schema import MIGRATIONS
from chatproto.storage.writer import Writer

OWNER = "chatproto"
BUSY_MS = 5_000
LONG_PAGE = 200  # more events than this are read in a thread

T = TypeVar("T")
# Busy pages are written to the log again and again, but to the database only once for
# each checkpoint: 32 MiB of log make checkpoints rare.
CHECKPOINT_PAGES = 8_000
_JOINED = "select count(*) from memberships where room_id=? and membership='join'"


class SqliteStore:
    """Keeps everything in one database file."""

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self._writer: Writer | None = None
        self._reading: sqlite3.Connection | None = None
        self._kinds: dict[str, list[tuple[str, str]]] = {}
        self._idle: list[sqlite3.Connection] = []
        self._in_threads = trio.CapacityLimiter(2)

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

    def _close(self) -> None:
        for connection in (*self._idle, self._reading):
            if connection is not None:
                connection.close()
        self._idle, self._reading = [], None

    def submit(self, transaction: Transaction) -> None:
        self._open_writer().submit(transaction)

    @property
    def pending(self) -> int:
        return self._open_writer().pending

    async def migrate(self, owner: str, migrations: Sequence[Migration]) -> None:
        migrate(self._db, owner, migrations)
        self._kinds.clear()

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

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise LocalError("the store is not open")
        return self._writer

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

    # rooms and their events

    async def room(self, room_id: RoomId) -> RoomRow | None:
        row = self._one(f"select {rows.ROOM} from rooms where room_id=?", room_id)  # noqa: S608  # a constant
        return None if row is None else rows.room_row(row)

    async def timeline(self, room_id: RoomId) -> Timeline | None:
        with self._snapshot():
            room = await self.room(room_id)
            state = self._all(_STATE_NOW, room_id)
        if room is None:
            return None
        return Timeline.restore(
            room_id,
            room_version(room.version),
            [rows.seen_event(row).pdu for row in state],
            room.head,
            room.seq,
            room.depth,
        )

    async def event(self, room_id: RoomId, event_id: EventId) -> SeenEvent | None:
        row = self._one(
            f"select {rows.EVENT} from events where event_id=? and room_id=?",  # noqa: S608  # a constant
            event_id,
            room_id,
        )
        return None if row is None else rows.seen_event(row)

    async def events(
        self,
        room_id: RoomId,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int,
        backwards: bool = False,
        ranges: Sequence[tuple[int, int]] | None = None,
    ) -> Sequence[SeenEvent]:
        high = 2**62 if before is None else before
        spans = [(1, 2**62)] if ranges is None else list(ranges)
        order = "desc" if backwards else "asc"
        sql = f"""select {rows.EVENT} from events where room_id=? and seq>? and seq<?
            order by seq {order} limit ?"""  # noqa: S608  # constants

        def read(connection: sqlite3.Connection) -> list[SeenEvent]:
            found: list[SeenEvent] = []
            for low, top in reversed(spans) if backwards else spans:
                left = limit - len(found)
                if left <= 0:
                    break
                first, last = max(after, low - 1), min(high, top + 1)
                page = connection.execute(sql, (room_id, first, last, left))
                found += map(rows.seen_event, page)
            return found

        return read(self._db) if limit <= LONG_PAGE else await self._in_thread(read)

    async def state_at(self, room_id: RoomId, seq: int) -> Sequence[SeenEvent]:
        with self._snapshot():
            head = self._number("select seq from rooms where room_id=?", room_id)
            if seq >= head:
                found = self._all(_STATE_NOW, room_id)
            else:
                found = self._all(_STATE_BETWEEN, room_id, 0, seq)
        return [rows.seen_event(row) for row in found]

    async def state_between(
        self,
        room_id: RoomId,
        after: int,
        through: int,
    ) -> Sequence[SeenEvent]:
        found = self._all(_STATE_BETWEEN, room_id, after, through)
        return [rows.seen_event(row) for row in found]

    async def state_changes(
        self,
        room_id: RoomId,
        event_type: str,
        state_key: str,
    ) -> Sequence[SeenEvent]:
        found = self._all(
            f"""select {rows.EVENT} from events
            where room_id=? and type=? and state_key=? order by seq""",  # noqa: S608  # a constant
            room_id,
            event_type,
            state_key,
        )
        return [rows.seen_event(row) for row in found]

    async def seq_at(self, room_id: RoomId, pos: int) -> int:
        room = self._one("select last_pos, seq from rooms where room_id=?", room_id)
        if room is None:
            return 0
        if room[0] <= pos:
            return int(room[1])
        return self._number(_SEQ_AT, room_id, pos)

    async def relations(
        self,
        room_id: RoomId,
        event_id: EventId,
        *,
        rel_type: str | None = None,
        event_type: str | None = None,
        after: int = 0,
        before: int | None = None,
        limit: int,
        backwards: bool = True,
    ) -> Sequence[SeenEvent]:
        order = "desc" if backwards else "asc"
        found = self._all(
            f"""select {rows.EVENT} from events
            where relates_to=?1 and room_id=?2 and redacted_by is null
            and (?3 is null or rel_type=?3) and (?4 is null or type=?4)
            and seq>?5 and seq<?6 order by seq {order} limit ?7""",  # noqa: S608  # constants
            event_id,
            room_id,
            rel_type,
            event_type,
            after,
            2**62 if before is None else before,
            limit,
        )
        return [rows.seen_event(row) for row in found]

    async def annotation(
        self,
        room_id: RoomId,
        event_id: EventId,
        sender: UserId,
        key: str,
    ) -> EventId | None:
        row = self._one(
            """select event_id from events
            where relates_to=? and room_id=? and sender=? and rel_type='m.annotation'
            and redacted_by is null and json_extract(json, ?)=?""",
            event_id,
            room_id,
            sender,
            '$.content."m.relates_to".key',
            key,
        )
        return None if row is None else EventId(row[0])

    async def thread_roots(
        self,
        room_id: RoomId,
        *,
        before: int | None,
        limit: int,
        sender: UserId | None,
    ) -> Sequence[tuple[SeenEvent, int]]:
        values = (room_id, 2**62 if before is None else before, sender, limit)

        def read(connection: sqlite3.Connection) -> list[tuple[SeenEvent, int]]:
            found = connection.execute(_THREADS, values)
            return [(rows.seen_event(row[:-1]), row[-1]) for row in found]

        return await self._in_thread(read)

    # users

    async def membership(
        self, room_id: RoomId, user_id: UserId
    ) -> MembershipRow | None:
        row = self._one(
            f"select {rows.MEMBERSHIP} from memberships where user_id=? and room_id=?",  # noqa: S608  # a constant
            user_id,
            room_id,
        )
        return None if row is None else rows.membership_row(row)

    async def memberships(self, user_id: UserId) -> Sequence[MembershipRow]:
        found = self._all(
            f"select {rows.MEMBERSHIP} from memberships where user_id=?",  # noqa: S608  # a constant
            user_id,
        )
        return [rows.membership_row(row) for row in found]

    async def local_members(self, room_id: RoomId) -> Sequence[UserId]:
        sql = "select user_id from memberships where room_id=? and membership='join'"
        return [UserId(user) for (user,) in self._all(sql, room_id)]

    async def shared_users(self, user_id: UserId) -> Sequence[UserId]:
        return [UserId(user) for (user,) in self._all(_SHARED, user_id)]

    async def search_users(
        self,
        user_id: UserId,
        term: str,
        limit: int,
    ) -> Sequence[Row]:
        term = term.strip()
        if term.startswith("@"):  # a user ID, or the beginning of one
            term = term[1:].partition(":")[0]
        words = search_text(term)
        if not words:
            return []
        values = (f"%{words}%", user_id, limit)

        def read(connection: sqlite3.Connection) -> list[Row]:
            names = ("user_id", "display_name", "avatar_url")
            found = connection.execute(_SEARCH_USERS, values)
            return [dict(zip(names, row, strict=True)) for row in found]

        return await self._in_thread(read)

    async def statuses(self) -> Sequence[Row]:
        names = ("user_id", "status_msg", "status_expires_ts")
        return [dict(zip(names, row, strict=True)) for row in self._all(_STATUSES)]

    async def public_rooms(
        self,
        *,
        term: str | None,
        offset: int,
        limit: int,
    ) -> tuple[Sequence[RoomId], int]:
        found = await self._in_thread(lambda c: c.execute(_PUBLIC_ROOMS).fetchall())
        folded = (term or "").casefold()
        matching = [
            RoomId(room_id)
            for room_id, _, *texts in found
            if not folded or any(folded in (t or "").casefold() for t in texts)
        ]
        return matching[offset : offset + limit], len(matching)

    async def joined_count(self, room_id: RoomId) -> int:
        return self._number(_JOINED, room_id)

    # the streams

    async def rooms_changed(
        self,
        user_id: UserId,
        after: int,
        until: int,
    ) -> Sequence[RoomId]:
        found = self._all(_ROOMS_CHANGED, user_id, after)
        return [
            RoomId(room_id)
            for room_id, last_pos in found
            if last_pos <= until or self._number(_POS_AT, room_id, until) > after
        ]

    async def receipts(
        self,
        room_ids: Sequence[RoomId],
        *,
        after: int,
        until: int,
    ) -> Sequence[ReceiptRow]:
        if after:
            sql = f"select {rows.RECEIPT} from receipts where pos>? and pos<=?"  # noqa: S608  # a constant
            wanted = set(room_ids)
            found = (rows.receipt_row(row) for row in self._all(sql, after, until))
            return [row for row in found if row.room_id in wanted]
        sql = f"select {rows.RECEIPT} from receipts where room_id=? and pos<=?"  # noqa: S608  # a constant
        return [
            rows.receipt_row(row)
            for room_id in room_ids
            for row in self._all(sql, room_id, until)
        ]

    async def receipts_of(
        self, room_id: RoomId, user_id: UserId
    ) -> Sequence[ReceiptRow]:
        sql = f"select {rows.RECEIPT} from receipts where room_id=? and user_id=?"  # noqa: S608  # a constant
        return [rows.receipt_row(row) for row in self._all(sql, room_id, user_id)]

    async def account_data(
        self,
        user_id: UserId,
        *,
        after: int,
        until: int,
    ) -> Sequence[AccountDataRow]:
        found = self._all(
            """select pos, room_id, type, content from account_data
            where user_id=? and pos>? and pos<=? order by pos""",
            user_id,
            after,
            until,
        )
        return [
            AccountDataRow(
                pos=pos,
                room_id=RoomId(room_id) if room_id else None,
                type=kind,
                content=orjson.loads(content),
            )
            for pos, room_id, kind, content in found
        ]

    async def account_datum(
        self,
        user_id: UserId,
        room_id: RoomId | None,
        event_type: str,
    ) -> JsonObject | None:
        row = self._one(
            "select content from account_data where user_id=? and room_id=? and type=?",
            user_id,
            room_id or "",
            event_type,
        )
        return None if row is None else orjson.loads(row[0])

    async def to_device(
        self,
        user_id: UserId,
        device_id: DeviceId,
        *,
        after: int,
        until: int,
        limit: int,
    ) -> Sequence[ToDeviceRow]:
        found = self._all(
            """select pos, sender, type, content from to_device
            where user_id=? and device_id=? and pos>? and pos<=? order by pos limit ?""",
            user_id,
            device_id,
            after,
            until,
            limit,
        )
        return [
            ToDeviceRow(
                pos=pos, sender=sender, type=kind, content=orjson.loads(content)
            )
            for pos, sender, kind, content in found
        ]

    def confirm_to_device(
        self, user_id: UserId, device_id: DeviceId, through: int
    ) -> None:
        sql = (
            "select 1 from to_device where user_id=? and device_id=? and pos<=? limit 1"
        )
        if self._one(sql, user_id, device_id, through) is not None:
            confirmed = StoreConfirmed(user_id, device_id, through)
            self.submit(Transaction(writes=[confirmed]))

    async def unread(
        self,
        room_id: RoomId,
        user_id: UserId,
        *,
        through: int,
        read_seq: int = 0,
    ) -> Unread:
        read = max(read_seq, self._number(_READ_SEQ, room_id, user_id))
        row = self._one(_UNREAD, room_id, read, through, user_id) or (0, 0)
        notifications, highlights = row
        return Unread(
            read_seq=read,
            through=through,
            notification_count=notifications,
            highlight_count=highlights or 0,
            is_muted=bool(self._number(_MUTED, user_id, room_id)),
        )


_EVENT_COLUMNS = ", ".join(f"e.{name.strip()}" for name in rows.EVENT.split(","))
_STATE_NOW = f"""select {_EVENT_COLUMNS} from state s join events e on e.pos=s.pos
where s.room_id=? order by e.seq"""  # noqa: S608  # constants
_STATE_BETWEEN = f"""select {_EVENT_COLUMNS} from events e join (
  select max(seq) as seq from events
  where room_id=?1 and state_key is not null and seq>?2 and seq<=?3
  group by type, state_key) newest
on e.room_id=?1 and e.seq=newest.seq order by e.seq"""  # noqa: S608  # constants
_SEQ_AT = """select seq from events where room_id=? and pos<=?
order by seq desc limit 1"""
_POS_AT = """select pos from events where room_id=? and pos<=?
order by seq desc limit 1"""
_ROOMS_CHANGED = """select r.room_id, r.last_pos from memberships m join rooms r
using (room_id) where m.user_id=? and m.membership='join' and r.last_pos>?"""
_SHARED = """select distinct other.user_id from memberships mine
join memberships other using (room_id)
where mine.user_id=?1 and mine.membership='join' and other.membership='join'
and other.user_id<>?1"""
_SEARCH_USERS = """select user_id, display_name, avatar_url from users
where is_deactivated=0 and user_id<>?2 and (search like ?1
  or ' ' || replace(replace(replace(localpart, '.', ' '), '-', ' '), '_', ' ') like ?1)
order by display_name, user_id limit ?3"""
_STATUSES = """select user_id, status_msg, status_expires_ts from users
where status_msg is not null and is_deactivated=0"""
_PUBLIC_ROOMS = """select r.room_id,
  (select count(*) from memberships m
   where m.room_id=r.room_id and m.membership='join') as members,
  (select json_extract(e.json, '$.content.name') from state s join events e on e.pos=s.pos
   where s.room_id=r.room_id and s.type='m.room.name' and s.state_key=''),
  (select json_extract(e.json, '$.content.topic') from state s join events e on e.pos=s.pos
   where s.room_id=r.room_id and s.type='m.room.topic' and s.state_key=''),
  (select group_concat(alias, ' ') from aliases a where a.room_id=r.room_id)
from rooms r where r.is_public order by members desc, r.room_id"""
_THREADS = f"""select {_EVENT_COLUMNS}, t.newest from (
  select relates_to as root, max(seq) as newest, max(sender is ?3) as mine from events
  where room_id=?1 and rel_type='m.thread' and redacted_by is null
  group by relates_to) t
join events e on e.event_id=t.root and e.room_id=?1
where t.newest<?2 and (?3 is null or t.mine or e.sender is ?3)
order by t.newest desc limit ?4"""  # noqa: S608  # constants
_READ_SEQ = """select max(seq) from (
  select seq from receipts where room_id=?1 and user_id=?2
    and type in ('m.read', 'm.read.private') and thread_id in ('', 'main')
  union all
  select max(sent_seq, changed_seq) from memberships where room_id=?1 and user_id=?2)"""
_MUTED = """select 1 from account_data where user_id=? and room_id=?
and type='org.chatproto.muted' and json_type(content, '$.muted')='true'"""
_UNREAD = """select count(*), sum(e.mentions_room or exists (
    select 1 from mentions m
    where m.room_id=e.room_id and m.user_id=?4 and m.seq=e.seq))
from events e where e.room_id=?1 and e.seq>?2 and e.seq<=?3
and e.counts and e.sender<>?4 and (e.redacted_by is null or exists (
    select 1 from events r where r.event_id=e.redacted_by and r.seq>?3))"""
