"""Any list of writes reads the same from every store, however it was batched."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.decisions import Delete, Put, Update
from chatproto.ports import (
    StoreAccountData,
    StoreConfirmed,
    StoreReceipt,
    StoreRedaction,
    StoreToDevice,
    StoreTxn,
    Transaction,
)
from chatproto.storage.apply import Applier
from chatproto.storage.memory import MemoryStore
from chatproto.storage.schema import MIGRATIONS
from chatproto.storage.sqlite import SqliteStore
from tests.unit.storage.harness import ANN, BOB, member, message, opened, state
from tests.unit.storage.harness import new_room as room_writes

ROOMS = ("!a:x", "!b:x")
USERS = (ANN, BOB)
TABLES = [
    row.split()[2]
    for migration in MIGRATIONS
    for row in migration.sql
    if row.startswith("create table") and "meta" not in row.split()
]
texts = st.text(st.sampled_from("aя\0\"'\\ 💬"), max_size=4)
steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "message",
                "message",
                "message",
                "quiet",
                "state",
                "member",
                "redaction",
                "receipt",
                "data",
                "device",
                "confirm",
                "txn",
                "put",
                "update",
                "delete",
            ],
        ),
        st.sampled_from(ROOMS),
        st.sampled_from(USERS),
        st.integers(0, 5),
        texts,
        st.booleans(),
    ),
    max_size=30,
)


class Numbers:
    """Positions, and places in rooms, as an engine gives them out."""

    def __init__(self):
        self.pos = 4
        self.seq = dict.fromkeys(ROOMS, 2)

    def place(self, room):
        self.pos += 1
        self.seq[room] += 1
        return self.pos, self.seq[room]


def writes_of(at, kind, room, user, number, text, flag):
    """The writes of one transaction."""
    match kind:
        case "message" | "quiet":
            event = message(
                *at.place(room),
                user,
                room,
                text,
                bumps=kind == "message",
                counts=flag,
                mentions=(BOB, text) if flag else (),
                mentions_room=number == 0,
                relates_to=f"${room[1:]}|{number}" if number else text,
                rel_type="m.thread" if flag else None,
            )
            txn = StoreTxn(
                user_id=user,
                device_id="D",
                operation=f"send {room}",
                txn_id=text,
                reply=b'{"n":1}',
                ts=at.pos,
            )
            return [event, txn] if number % 2 else [event]
        case "state":
            return [state(*at.place(room), "m.room.name", {"name": text}, "", room)]
        case "member":
            kinds = ("join", "leave", "invite")
            changed = {"changed": flag}
            return member(*at.place(room), user, kinds[number % 3], room, **changed)
        case "redaction":
            pos, seq = at.place(room)
            by = message(pos, seq, user, room, bumps=False, counts=False)
            target = f"${room[1:]}|{max(number, 1)}"
            redacted = {**by.pdu.json, "content": {}}
            return [
                by,
                StoreRedaction(
                    room_id=room,
                    event_id=target,
                    redacted_by=by.pdu.event_id,
                    json=redacted,
                ),
            ]
        case "txn":
            return [
                StoreTxn(
                    user_id=user,
                    device_id="D",
                    operation="x",
                    txn_id=text,
                    reply=b"{}",
                    ts=number,
                ),
            ]
        case "confirm":
            return [StoreConfirmed(user, "D", at.pos - number)]
        case "put":
            row = {"user_id": user, "filter_id": str(number), "json": {"t": text}}
            return [Put(table="filters", row=row)]
        case "update":
            where, changes = {"user_id": user}, {"json": [text, number]}
            return [Update(table="filters", where=where, set=changes)]
        case "delete":
            return [Delete(table="filters", where={"filter_id": str(number)})]
    at.pos += 1
    if kind == "receipt":
        return [
            StoreReceipt(
                pos=at.pos,
                room_id=room,
                user_id=user,
                type="m.read" if flag else "m.read.private",
                thread_id=("", "main", "$t")[number % 3],
                event_id="$e",
                seq=number,
                ts=at.pos,
            ),
        ]
    if kind == "data":
        return [
            StoreAccountData(
                pos=at.pos,
                user_id=user,
                room_id=room if flag else None,
                type="org.chatproto.muted",
                content={"muted": bool(number % 2), "text": text},
            ),
        ]
    return [
        StoreToDevice(
            pos=at.pos,
            user_id=user,
            device_id="D",
            sender=BOB,
            type="t",
            content={"text": text},
        ),
    ]


def start():
    a, b = (room_writes(room) for room in ROOMS)
    b = [
        *b[:1],
        *member(3, 1, ANN, room_id=ROOMS[1]),
        *member(4, 2, BOB, room_id=ROOMS[1]),
    ]
    return [a, b]


def dump(connection):
    return {
        table: sorted(connection.execute(f"select * from {table}"), key=repr)
        for table in TABLES
    }


def one_by_one(transactions):
    """Every write by a statement of its own, in its order."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for migration in MIGRATIONS:
        for sql in migration.sql:
            connection.execute(sql)
    applier = Applier(connection)
    for writes in transactions:
        for write in writes:
            applier.apply(write)
    tables = dump(connection)
    connection.close()
    return tables


async def reads(store):
    """What the port shows of all that was written."""
    shown = [await store.last_pos()]
    for room in ROOMS:
        events = await store.events(room, limit=500)
        shown.append([(e.seq, e.pos, e.pdu.json, e.redacted_by) for e in events])
        shown.append(await store.room(room))
        shown.append([e.pos for e in await store.state_at(room, 4)])
        shown.append([e.pos for e in await store.state_between(room, 2, 9)])
        roots = await store.thread_roots(room, before=None, limit=9, sender=None)
        shown.append([(e.pos, newest) for e, newest in roots])
        for user in USERS:
            shown.append(await store.unread(room, user, through=9))
            shown.append(await store.membership(room, user))
            shown.append(await store.receipts_of(room, user))
    for user in USERS:
        shown.append(await store.rooms_changed(user, 4, 12))
        shown.append(await store.account_data(user, after=0, until=99))
        shown.append(await store.to_device(user, "D", after=0, until=99, limit=9))
    return shown


@settings(max_examples=60, deadline=None)
@given(steps)
def test_any_writes_read_the_same_everywhere(chosen):
    at = Numbers()
    transactions = start() + [writes_of(at, *step) for step in chosen]
    expected = one_by_one(transactions)

    async def main(path):
        stores = [MemoryStore(), SqliteStore(path)]
        seen = []
        for store in stores:
            async with opened(store) as at_store:
                for writes in transactions:
                    at_store.store.submit(Transaction(writes=writes))
                await at_store.reported(len(transactions))
                assert at_store.errors == []
                assert dump(store._db) == expected
                seen.append(await reads(store))
        async with opened(SqliteStore(path)) as again:
            seen.append(await reads(again.store))
        assert seen[0] == seen[1] == seen[2]
        assert seen[0][0] == at.pos

    with tempfile.TemporaryDirectory() as folder:
        trio.run(main, Path(folder) / "chat.db")
