from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.ports import StoreEvent, StoreRedaction
from chatproto.storage.memory import MemoryStore
from tests.unit.storage.harness import (
    ANN,
    BOB,
    ROOM,
    message,
    new_room,
    opened,
    pdu,
    state,
)


def related(
    pos, seq, rel_type, target, *, sender=ANN, event_type="m.room.message", key=None
):
    relation = {"rel_type": rel_type, "event_id": target}
    if key is not None:
        relation["key"] = key
    event = pdu(ROOM, seq, sender, event_type, {"m.relates_to": relation})
    return StoreEvent(
        pdu=event,
        seq=seq,
        pos=pos,
        bumps=False,
        counts=False,
        relates_to=target,
        rel_type=rel_type,
    )


def redacted(event, by):
    json = {**event.pdu.json, "content": {}}
    return StoreRedaction(
        room_id=ROOM,
        event_id=event.pdu.event_id,
        redacted_by=by.pdu.event_id,
        json=json,
    )


def seqs(events):
    return [event.seq for event in events]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"limit": 3}, [1, 2, 3]),
        ({"limit": 3, "backwards": True}, [9, 8, 7]),
        ({"limit": 9, "after": 4, "before": 8}, [5, 6, 7]),
        ({"limit": 9, "ranges": [(2, 3), (6, 7)]}, [2, 3, 6, 7]),
        ({"limit": 3, "ranges": [(2, 3), (6, 7)], "backwards": True}, [7, 6, 3]),
        ({"limit": 9, "ranges": []}, []),
        ({"limit": 300, "after": 7}, [8, 9]),
    ],
    ids=str,
)
async def test_history_is_read_by_ranges(room, asked, found):
    await room.write(*(message(pos, pos) for pos in range(3, 10)))
    assert seqs(await room.store.events(ROOM, **asked)) == found


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=12),
    after=st.integers(0, 14),
    through=st.integers(0, 14),
)
def test_state_is_that_of_any_moment(names, after, through):
    import trio

    async def main():
        async with opened(MemoryStore()) as at:
            await at.write(*new_room())
            for number, name in enumerate(names):
                seq = number + 3
                if name is None:
                    await at.write(message(seq, seq))
                else:
                    await at.write(state(seq, seq, f"m.{name}", {"n": seq}))
            changes = {
                seq: f"m.{name}"
                for seq, name in enumerate(names, 3)
                if name is not None
            }
            at_moment = {kind: seq for seq, kind in changes.items() if seq <= through}
            found = await at.store.state_at(ROOM, through)
            assert {e.pdu.type: e.seq for e in found if e.seq > 2} == at_moment
            between = await at.store.state_between(ROOM, after, through)
            expected = {s for s in at_moment.values() if s > after}
            assert {e.seq for e in between if e.seq > 2} == expected

    trio.run(main)


async def test_relations_are_found_by_kind(room):
    target = "$room:x|3"
    await room.write(
        message(3, 3),
        related(4, 4, "m.thread", target),
        related(5, 5, "m.annotation", target, event_type="m.reaction", key="👍"),
        related(6, 6, "m.thread", target, sender=BOB),
        related(
            7, 7, "m.annotation", target, event_type="m.reaction", sender=BOB, key="👍"
        ),
    )
    store = room.store
    assert seqs(await store.relations(ROOM, target, limit=9)) == [7, 6, 5, 4]
    threads = await store.relations(ROOM, target, rel_type="m.thread", limit=1)
    assert seqs(threads) == [6]
    reactions = await store.relations(
        ROOM, target, event_type="m.reaction", limit=9, backwards=False
    )
    assert seqs(reactions) == [5, 7]
    assert await store.annotation(ROOM, target, BOB, "👍") == "$room:x|7"
    assert await store.annotation(ROOM, target, BOB, "👎") is None
    [(root, newest)] = await store.thread_roots(ROOM, before=None, limit=9, sender=None)
    assert (root.seq, newest) == (3, 6)


async def test_redacted_relation_is_gone(room):
    target = "$room:x|3"
    reaction = related(4, 4, "m.annotation", target, event_type="m.reaction", key="+")
    redaction = message(5, 5)
    await room.write(message(3, 3), reaction)
    await room.write(redaction, redacted(reaction, redaction))
    assert await room.store.annotation(ROOM, target, ANN, "+") is None
    assert await room.store.relations(ROOM, target, limit=9) == []
    seen = await room.store.event(ROOM, reaction.pdu.event_id)
    assert (seen.redacted_by, seen.pdu.content) == (redaction.pdu.event_id, {})


async def test_events_of_other_rooms_are_not_found(room):
    await room.write(message(3, 3))
    assert await room.store.event("!other:x", "$room:x|3") is None
    assert await room.store.events("!other:x", limit=9) == []
    assert await room.store.room("!other:x") is None
    assert await room.store.timeline("!other:x") is None
    assert await room.store.seq_at("!other:x", 5) == 0
