"""Rows of the database as the values of the port."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

from chatproto.decisions import SeenEvent
from chatproto.errors import LocalError
from chatproto.events.envelope import Pdu
from chatproto.ports import MembershipRow, ReceiptRow, RoomRow

EVENT = """pos, seq, event_id, counts, mentions_room, redacted_by, device_id, txn_id,
json"""
EVENT_OF_E = ", ".join(f"e.{name.strip()}" for name in EVENT.split(","))
ROOM = """room_id, version, creator, head, seq, depth, last_pos, bump_pos, bump_sender,
bump_other_pos, is_public"""
MEMBERSHIP = """room_id, user_id, membership, seq, pos, changed_seq, changed_pos, sent_seq,
forgotten"""
RECEIPT = "pos, room_id, user_id, type, thread_id, event_id, seq, ts"


def seen_event(row: tuple[Any, ...]) -> SeenEvent:
    pos, seq, event_id, counts, mentions_room, redacted_by, device_id, txn_id, json = (
        row
    )
    return SeenEvent(
        pdu=Pdu.from_json(orjson.loads(json), event_id),
        seq=seq,
        pos=pos,
        counts=bool(counts),
        mentions_room=bool(mentions_room),
        redacted_by=redacted_by,
        device_id=device_id,
        txn_id=txn_id,
    )


def room_row(row: tuple[Any, ...]) -> RoomRow:
    return RoomRow(
        room_id=row[0],
        version=row[1],
        creator=row[2],
        head=row[3],
        seq=row[4],
        depth=row[5],
        last_pos=row[6],
        bump_pos=row[7],
        bump_sender=row[8],
        bump_other_pos=row[9],
        is_public=bool(row[10]),
    )


def membership_row(row: tuple[Any, ...]) -> MembershipRow:
    return MembershipRow(
        room_id=row[0],
        user_id=row[1],
        membership=row[2],
        seq=row[3],
        pos=row[4],
        changed_seq=row[5],
        changed_pos=row[6],
        sent_seq=row[7],
        forgotten=bool(row[8]),
    )


def receipt_row(row: tuple[Any, ...]) -> ReceiptRow:
    return ReceiptRow(
        pos=row[0],
        room_id=row[1],
        user_id=row[2],
        type=row[3],
        thread_id=row[4],
        event_id=row[5],
        seq=row[6],
        ts=row[7],
    )


def named_row(kinds: list[tuple[str, str]], row: Any) -> dict[str, Any]:
    """A row by column, with what is declared as JSON read."""
    return {
        name: orjson.loads(value) if kind == "json" and value is not None else value
        for (name, kind), value in zip(kinds, row, strict=True)
    }


def column_kinds(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """Names and declared types. Raises LocalError if there is no such table."""
    sql = "select name, lower(type) from pragma_table_info(?)"
    found = connection.execute(sql, (table,)).fetchall()
    if not found:
        raise LocalError(f"there is no table {table!r}")
    return found
