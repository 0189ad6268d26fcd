"""Many messages in a few statements.

Each statement that a thread runs gives the interpreter's lock away and has to get it
back, which beside a busy event loop costs far more than the statement. So a run of
plain messages goes to SQLite as JSON arrays, which it takes apart by itself: the same
few statements for one message as for hundreds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from chatproto.canonical import canonical_of_checked, dumps
from chatproto.ports import StoreEvent, StoreTxn, StoreWrite, Transaction
from chatproto.storage.search_text import searchable


def _columns(count: int) -> str:
    return ", ".join(f"json_extract(value, '$[{n}]')" for n in range(count))


_EVENTS = f"""insert into events (pos, room_id, seq, event_id, type, sender, json, counts,
mentions_room, relates_to, rel_type, device_id, txn_id)
select {_columns(13)} from json_each(?)"""  # noqa: S608  # a constant
_MENTIONS = f"""insert or ignore into mentions (room_id, user_id, seq)
select {_columns(3)} from json_each(?)"""  # noqa: S608  # a constant
_TXNS = f"""insert or ignore into txns (user_id, device_id, operation, txn_id, reply, ts)
select {_columns(6)} from json_each(?)"""  # noqa: S608  # a constant
_TEXTS = f"""insert into search_texts (rowid, text)
select {_columns(2)} from json_each(?)"""  # noqa: S608  # a constant
_ROOMS = """update rooms set head=j.head, seq=j.seq, depth=j.depth, last_pos=j.pos
from (select json_extract(value, '$[0]') as room_id, json_extract(value, '$[1]') as head,
  json_extract(value, '$[2]') as seq, json_extract(value, '$[3]') as depth,
  json_extract(value, '$[4]') as pos from json_each(?)) j
where rooms.room_id=j.room_id"""
_BUMPS = """update rooms set
bump_other_pos = coalesce(j.other,
  case when bump_sender is j.sender then bump_other_pos else bump_pos end),
bump_pos = j.pos, bump_sender = j.sender
from (select json_extract(value, '$[0]') as room_id, json_extract(value, '$[1]') as pos,
  json_extract(value, '$[2]') as sender, json_extract(value, '$[3]') as other
  from json_each(?)) j
where rooms.room_id=j.room_id"""
_SENT = """update memberships set sent_seq=j.seq
from (select json_extract(value, '$[0]') as user_id, json_extract(value, '$[1]') as room_id,
  json_extract(value, '$[2]') as seq from json_each(?)) j
where memberships.user_id=j.user_id and memberships.room_id=j.room_id"""


def is_plain(transaction: Transaction) -> bool:
    """Whether a transaction only sends messages, whose writes touch no others'."""
    return all(_is_plain_write(write) for write in transaction.writes)


def _is_plain_write(write: StoreWrite) -> bool:
    # SQLite ends a text at U+0000 where it takes JSON apart.
    if isinstance(write, StoreTxn):
        return "\0" not in write.txn_id + write.operation
    if not isinstance(write, StoreEvent) or write.pdu.is_state:
        return False
    relation = (write.relates_to or "", write.rel_type or "")
    named = (write.pdu.type, write.txn_id or "", *relation)
    return not any("\0" in text for text in named + write.mentions)


def apply_plain(connection: sqlite3.Connection, run: Iterable[Transaction]) -> None:
    """Apply a run of plain transactions; the outcome is that of one after the other."""
    events: list[StoreEvent] = []
    txns: list[StoreTxn] = []
    for transaction in run:
        for write in transaction.writes:
            if isinstance(write, StoreEvent):
                events.append(write)
            elif isinstance(write, StoreTxn):
                txns.append(write)
    if events:
        _apply_events(connection, events)
    if txns:
        _run(connection, _TXNS, [_txn(write) for write in txns])


def _apply_events(connection: sqlite3.Connection, events: list[StoreEvent]) -> None:
    _run(connection, _EVENTS, [_event(write) for write in events])
    newest = {e.pdu.room_id: e for e in events}
    _run(connection, _ROOMS, [_room(write) for write in newest.values()])
    bumping = [e for e in events if e.bumps]
    if bumping:
        _run(connection, _BUMPS, list(_bumps(bumping)))
        sent = {(e.pdu.sender, e.pdu.room_id): e.seq for e in bumping}
        _run(connection, _SENT, [[*key, seq] for key, seq in sent.items()])
    mentions = [[e.pdu.room_id, user, e.seq] for e in events for user in e.mentions]
    if mentions:
        _run(connection, _MENTIONS, mentions)
    texts = list(_texts(events))
    if texts:
        _run(connection, _TEXTS, texts)


def _run(connection: sqlite3.Connection, sql: str, rows: list[list[Any]]) -> None:
    connection.execute(sql, (dumps(rows).decode(),))


def _event(write: StoreEvent) -> list[Any]:
    pdu = write.pdu
    return [
        write.pos,
        pdu.room_id,
        write.seq,
        pdu.event_id,
        pdu.type,
        pdu.sender,
        canonical_of_checked(pdu.json).decode(),
        int(write.counts),
        int(write.mentions_room),
        write.relates_to,
        write.rel_type,
        write.device_id,
        write.txn_id,
    ]


def _texts(events: list[StoreEvent]) -> Iterable[list[Any]]:
    for event in events:
        pdu = event.pdu
        text = searchable(pdu.type, pdu.content, event.rel_type)
        if text is not None:
            yield [event.pos, text]


def _room(write: StoreEvent) -> list[Any]:
    pdu = write.pdu
    return [pdu.room_id, pdu.event_id, write.seq, pdu.depth, write.pos]


def _bumps(events: list[StoreEvent]) -> Iterable[list[Any]]:
    """For each room the newest that lifts, and the newest by another sender."""
    by_room: dict[str, list[StoreEvent]] = {}
    for event in events:
        by_room.setdefault(event.pdu.room_id, []).append(event)
    for room_id, found in by_room.items():
        last = found[-1]
        others = [e.pos for e in found if e.pdu.sender != last.pdu.sender]
        yield [room_id, last.pos, last.pdu.sender, others[-1] if others else None]


def _txn(write: StoreTxn) -> list[Any]:
    return [
        write.user_id,
        write.device_id,
        write.operation,
        write.txn_id,
        write.reply.decode(),
        write.ts,
    ]
