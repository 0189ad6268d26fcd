"""Writes as SQL. All identifiers come from the schema, all values are parameters."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from chatproto.canonical import canonical_of_checked, dumps
from chatproto.decisions import Delete, Find, Put, Row, Update
from chatproto.errors import LocalError
from chatproto.ports import (
    StoreAccountData,
    StoreConfirmed,
    StoreDeviceList,
    StoreEvent,
    StoreMembership,
    StoreReceipt,
    StoreRedaction,
    StoreRoom,
    StoreToDevice,
    StoreTxn,
    StoreWrite,
    Transaction,
)
from chatproto.storage.bulk import apply_plain, is_plain
from chatproto.storage.old_txns import OldTxns
from chatproto.storage.rows import column_kinds
from chatproto.storage.search_text import searchable

_EVENT = """insert into events (pos, room_id, seq, event_id, type, state_key, sender, json,
counts, mentions_room, relates_to, rel_type, device_id, txn_id)
values (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"""
_ROOM_MOVES = """update rooms set head=?, seq=?, depth=?, last_pos=? where room_id=?"""
_ROOM_BUMPS = """update rooms set head=?1, seq=?2, depth=?3, last_pos=?4,
bump_other_pos = case when bump_sender is ?6 then bump_other_pos else bump_pos end,
bump_pos=?4, bump_sender=?6 where room_id=?5"""
_SENT = "update memberships set sent_seq=? where user_id=? and room_id=?"
_STATE = "insert or replace into state (room_id, type, state_key, pos) values (?,?,?,?)"
_MENTION = "insert or ignore into mentions (room_id, user_id, seq) values (?,?,?)"
_NEW_ROOM = "insert into rooms (room_id, version, creator) values (?,?,?)"
_MEMBERSHIP = """insert into memberships
(user_id, room_id, membership, seq, pos, changed_seq, changed_pos)
values (?1,?2,?3,?4,?5,?4,?5) on conflict (user_id, room_id) do update set
membership=?3, seq=?4, pos=?5,
changed_seq = case when ?6 then ?4 else changed_seq end,
changed_pos = case when ?6 then ?5 else changed_pos end,
forgotten = case when ?6 and ?3 in ('join', 'invite', 'knock') then 0 else forgotten end"""
_SEARCH_TEXT = "insert into search_texts (rowid, text) values (?,?)"
# The edits of what is redacted are not found any more, either.
_NOT_FOUND = """delete from search_texts where rowid in (select pos from events
where event_id=?1 or relates_to=?1 and rel_type='m.replace')"""
_REDACTION = "update events set json=?, redacted_by=? where event_id=? and room_id=?"
_RECEIPT = """insert into receipts
(room_id, user_id, type, thread_id, event_id, seq, ts, pos) values (?,?,?,?,?,?,?,?)
on conflict (room_id, user_id, type, thread_id) do update set
event_id=excluded.event_id, seq=excluded.seq, ts=excluded.ts, pos=excluded.pos
where excluded.seq > receipts.seq"""
_ACCOUNT_DATA = """insert or replace into account_data
(user_id, room_id, type, content, pos) values (?,?,?,?,?)"""
_TO_DEVICE = """insert into to_device (pos, user_id, device_id, sender, type, content)
values (?,?,?,?,?,?)"""
_DEVICE_LIST = "insert or replace into device_lists (user_id, pos) values (?,?)"
_CONFIRMED = "delete from to_device where user_id=? and device_id=? and pos<=?"
_LAST_POS = """insert into meta (name, value) values ('last_pos', ?)
on conflict (name) do update set value=excluded.value where excluded.value > meta.value"""
_TXN = """insert or ignore into txns (user_id, device_id, operation, txn_id, reply, ts)
values (?,?,?,?,?,?)"""


class Applier:
    """Applies writes on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._columns: dict[str, frozenset[str]] = {}
        self._passing_pos = 0
        self._old_txns = OldTxns(connection)
        self._by_type: Mapping[type, Callable[[Any], None]] = {
            StoreEvent: self._event,
            StoreRoom: self._room,
            StoreMembership: self._membership,
            StoreRedaction: self._redaction,
            StoreReceipt: self._receipt,
            StoreAccountData: self._account_data,
            StoreToDevice: self._to_device,
            StoreDeviceList: self._device_list,
            StoreConfirmed: self._confirmed,
            StoreTxn: self._txn,
            Put: self._put,
            Update: self._update,
            Delete: self._delete,
        }

    def apply_all(self, batch: Sequence[Transaction]) -> None:
        """Apply transactions in order; runs of plain messages in a few statements."""
        self._passing_pos = 0
        for plain, run in groupby(batch, is_plain):
            if plain:
                apply_plain(self._connection, run)
                continue
            for transaction in run:
                for write in transaction.writes:
                    self.apply(write)
        # What took this position may change nothing or be deleted, and the position
        # has been given out all the same: it must not be given out again.
        if self._passing_pos:
            self._execute(_LAST_POS, (self._passing_pos,))
        self._old_txns.after(batch)

    def apply(self, write: StoreWrite) -> None:
        self._by_type[type(write)](write)

    def _event(self, write: StoreEvent) -> None:
        pdu, pos, seq, room_id = write.pdu, write.pos, write.seq, write.pdu.room_id
        self._execute(
            _EVENT,
            (
                pos,
                room_id,
                seq,
                pdu.event_id,
                pdu.type,
                pdu.state_key,
                pdu.sender,
                canonical_of_checked(pdu.json).decode(),
                write.counts,
                write.mentions_room,
                write.relates_to,
                write.rel_type,
                write.device_id,
                write.txn_id,
            ),
        )
        moved = (pdu.event_id, seq, pdu.depth, pos, room_id)
        if write.bumps:
            self._execute(_ROOM_BUMPS, (*moved, pdu.sender))
            self._execute(_SENT, (seq, pdu.sender, room_id))
        else:
            self._execute(_ROOM_MOVES, moved)
        if pdu.state_key is not None:
            self._execute(_STATE, (room_id, pdu.type, pdu.state_key, pos))
        for user_id in write.mentions:
            self._execute(_MENTION, (room_id, user_id, seq))
        text = searchable(pdu.type, pdu.content, write.rel_type)
        if text is not None:
            self._execute(_SEARCH_TEXT, (pos, text))

    def _room(self, write: StoreRoom) -> None:
        self._execute(_NEW_ROOM, (write.room_id, write.version, write.creator))

    def _membership(self, write: StoreMembership) -> None:
        self._execute(
            _MEMBERSHIP,
            (
                write.user_id,
                write.room_id,
                write.membership,
                write.seq,
                write.pos,
                write.changed,
            ),
        )

    def _redaction(self, write: StoreRedaction) -> None:
        json = canonical_of_checked(write.json).decode()
        self._execute(
            _REDACTION,
            (json, write.redacted_by, write.event_id, write.room_id),
        )
        self._execute(_NOT_FOUND, (write.event_id,))

    def _receipt(self, write: StoreReceipt) -> None:
        self._passing_pos = write.pos
        self._execute(
            _RECEIPT,
            (
                write.room_id,
                write.user_id,
                write.type,
                write.thread_id,
                write.event_id,
                write.seq,
                write.ts,
                write.pos,
            ),
        )

    def _account_data(self, write: StoreAccountData) -> None:
        self._passing_pos = write.pos
        content = dumps(write.content).decode()
        room_id = write.room_id or ""
        self._execute(
            _ACCOUNT_DATA,
            (write.user_id, room_id, write.type, content, write.pos),
        )

    def _to_device(self, write: StoreToDevice) -> None:
        self._passing_pos = write.pos
        self._execute(
            _TO_DEVICE,
            (
                write.pos,
                write.user_id,
                write.device_id,
                write.sender,
                write.type,
                dumps(write.content).decode(),
            ),
        )

    def _device_list(self, write: StoreDeviceList) -> None:
        self._passing_pos = write.pos
        self._execute(_DEVICE_LIST, (write.user_id, write.pos))

    def _confirmed(self, write: StoreConfirmed) -> None:
        self._execute(_CONFIRMED, (write.user_id, write.device_id, write.through))

    def _txn(self, write: StoreTxn) -> None:
        self._execute(
            _TXN,
            (
                write.user_id,
                write.device_id,
                write.operation,
                write.txn_id,
                write.reply.decode(),
                write.ts,
            ),
        )

    def _put(self, write: Put) -> None:
        row = _with_search(write.table, write.row)
        self._check(write.table, row)
        marks = ",".join("?" * len(row))
        self._execute(
            f"insert or replace into {write.table} ({','.join(row)}) values ({marks})",  # noqa: S608  # checked against the schema
            [_stored(value) for value in row.values()],
        )

    def _update(self, write: Update) -> None:
        changes = _with_search(write.table, write.set)
        self._check(write.table, changes)
        sets = ",".join(f"{column}=?" for column in changes)
        self._check(write.table, write.where)
        condition, values = _condition(write.where)
        self._execute(
            f"update {write.table} set {sets} where {condition}",  # noqa: S608  # checked
            [*(_stored(value) for value in changes.values()), *values],
        )

    def _delete(self, write: Delete) -> None:
        self._check(write.table, write.where)
        condition, values = _condition(write.where)
        self._execute(f"delete from {write.table} where {condition}", values)  # noqa: S608  # checked

    def _check(self, table: str, columns: Row) -> None:
        known = self._columns.get(table)
        if known is None:
            kinds = column_kinds(self._connection, table)
            known = self._columns[table] = frozenset(name for name, _ in kinds)
        _check(table, columns, known)


def select_all(find: Find, known: Collection[str]) -> tuple[str, list[Any]]:
    """The statement of a Find. Raises LocalError if a column is not `known`."""
    _check(find.table, (*find.where, *find.order), known)
    condition, values = _condition(find.where)
    sql = f"select * from {find.table} where {condition}"  # noqa: S608  # checked
    if find.order:
        sql += f" order by {','.join(find.order)}"
    if find.limit is not None:
        sql += " limit ?"
        values.append(find.limit)
    return sql, values


def search_text(text: str) -> str:
    """Words for a search by their beginnings, in no case, with a space before each.

    SQLite folds only the cases of ASCII.
    """
    words = "".join(c if c.isalnum() else " " for c in text.casefold()).split()
    return "".join(f" {word}" for word in words)


def _check(table: str, columns: Iterable[str], known: Collection[str]) -> None:
    unknown = sorted(set(columns).difference(known))
    if unknown:
        raise LocalError(f"table {table!r} has no column {', '.join(unknown)}")


def _condition(where: Row) -> tuple[str, list[Any]]:
    """The condition that all of `where` holds, and its parameters."""
    terms = " and ".join(f"{column} is ?" for column in where) or "1"
    return terms, [_stored(value) for value in where.values()]


def _with_search(table: str, row: Row) -> Row:
    if table == "users" and "display_name" in row:
        return {**row, "search": search_text(str(row["display_name"] or ""))}
    return row


def _stored(value: Any) -> Any:
    return dumps(value).decode() if isinstance(value, dict | list) else value
