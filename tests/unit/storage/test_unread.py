from __future__ import annotations

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.ports import (
    StoreAccountData,
    StoreReceipt,
    StoreRedaction,
    Transaction,
)
from chatproto.storage.memory import MemoryStore
from tests.unit.storage.harness import ANN, BOB, ROOM, message, new_room, opened

MUTED = "org.chatproto.muted"


def muted(content, pos=99):
    return StoreAccountData(
        pos=pos, user_id=BOB, room_id=ROOM, type=MUTED, content=content
    )


def receipt(seq, kind="m.read", thread_id="", pos=90, user_id=BOB):
    return StoreReceipt(
        pos=pos,
        room_id=ROOM,
        user_id=user_id,
        type=kind,
        thread_id=thread_id,
        event_id=f"${seq}",
        seq=seq,
        ts=0,
    )


async def counts(at, user_id=BOB, through=99):
    found = await at.store.unread(ROOM, user_id, through=through)
    return found.notification_count, found.highlight_count


async def test_mentions_of_user_and_room_highlight(room):
    await room.write(
        message(3, 3),
        message(4, 4, mentions=(BOB,)),
        message(5, 5, mentions=(ANN,)),
        message(6, 6, mentions=(BOB,), mentions_room=True),
        message(7, 7, counts=False, mentions=(BOB,)),
    )
    assert await counts(room) == (4, 2)
    assert await counts(room, through=4) == (2, 1)
    assert await counts(room, user_id=ANN) == (0, 0)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"muted": True}, True),
        ({"muted": False}, False),
        ({"muted": 1}, False),
        ({"muted": "true"}, False),
        ({}, False),
    ],
    ids=["muted", "no longer", "a number", "a text", "nothing"],
)
async def test_counts_tell_whether_room_is_muted(room, content, expected):
    await room.write(message(3, 3), muted(content))
    unread = await room.store.unread(ROOM, BOB, through=3)
    assert (unread.notification_count, unread.is_muted) == (1, expected)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (receipt(3), 1),
        (receipt(3, "m.read.private"), 1),
        (receipt(3, thread_id="main"), 1),
        (receipt(3, thread_id="$thread"), 2),
        (receipt(3, "m.fully_read"), 2),
        (receipt(3, user_id=ANN), 2),
    ],
    ids=["public", "private", "main", "thread", "marker", "another's"],
)
async def test_receipt_reads_up_to_its_event(room, read, expected):
    await room.write(message(3, 3), message(4, 4), read)
    assert await counts(room) == (expected, 0)


async def test_receipt_behind_changes_nothing(room):
    await room.write(message(3, 3), message(4, 4), receipt(4, pos=5))
    await room.write(receipt(3, pos=6))
    (kept,) = await room.store.receipts_of(ROOM, BOB)
    assert (kept.seq, kept.pos) == (4, 5)
    assert await room.store.last_pos() == 6


async def test_own_message_reads_all_before(room):
    await room.write(message(3, 3), message(4, 4, BOB), message(5, 5))
    assert await counts(room) == (1, 0)


steps = st.lists(
    st.tuples(
        st.sampled_from(["message", "message", "redact", "read"]),
        st.sampled_from([ANN, BOB]),
        st.booleans(),
        st.booleans(),
        st.integers(1, 12),
    ),
    max_size=15,
)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(2, 20))
def test_any_history_counts_as_by_hand(chosen, through):
    events, writes, read, seq = {}, [], {ANN: 1, BOB: 2}, 2
    for kind, user, counting, lifting, number in chosen:
        if kind == "read":
            read[user] = max(read[user], number)
            writes.append(receipt(number, pos=200 + len(writes), user_id=user))
            continue
        seq += 1
        lifting = lifting and kind == "message"
        counting = counting and lifting
        event = message(
            seq, seq, user, bumps=lifting, counts=counting, mentions=(BOB,) * (seq % 2)
        )
        writes.append(event)
        events[seq] = event
        if lifting:
            read[user] = max(read[user], seq)
        if kind == "redact" and number in events:
            target = events.pop(number)
            writes.append(
                StoreRedaction(
                    room_id=ROOM,
                    event_id=target.pdu.event_id,
                    redacted_by=event.pdu.event_id,
                    json={**target.pdu.json, "content": {}},
                ),
            )

    async def main():
        async with opened(MemoryStore()) as at:
            await at.write(*new_room())
            for write in writes:
                at.store.submit(Transaction(writes=[write]))
            await at.reported(1 + len(writes))
            for user in (ANN, BOB):
                unread = [
                    e
                    for e in events.values()
                    if e.counts
                    and e.pdu.sender != user
                    and read[user] < e.seq <= through
                ]
                named = [e for e in unread if user in e.mentions]
                expected = len(unread), len(named)
                assert await counts(at, user, through) == expected

    trio.run(main)
