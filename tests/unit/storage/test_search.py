from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.errors import MatrixError
from chatproto.ports import StoreEvent, StoreRedaction, TextSearch
from chatproto.storage import search_reads
from chatproto.storage.memory import MemoryStore
from chatproto.storage.search_text import folded, match_of, searchable
from chatproto.storage.sqlite import SqliteStore
from tests.unit.storage.harness import ANN, ROOM, message, new_room, opened, pdu, state

EVERYTHING = (ROOM, 1, 2**40, 2**40)


def edit(pos, seq, target, body):
    content = {"body": f"* {body}", "m.new_content": {"body": body}}
    return StoreEvent(
        pdu=pdu(ROOM, seq, ANN, "m.room.message", content),
        seq=seq,
        pos=pos,
        bumps=False,
        counts=False,
        relates_to=target,
        rel_type="m.replace",
    )


def redaction(target, json):
    return StoreRedaction(
        room_id=ROOM, event_id=target, redacted_by="$redaction", json=json
    )


async def found(at, term, spans=(EVERYTHING,), *, by_rank=False, limit=100, **more):
    search = TextSearch(
        **{
            "term": term,
            "spans": spans,
            "through": 2**40,
            "by_rank": by_rank,
            "types": ("m.room.message", "m.room.name", "m.room.topic"),
            **more,
        }
    )
    return await at.store.search_texts(search, limit=limit)


async def seqs(at, term, *spans, **more):
    hits, count = await found(at, term, spans or (EVERYTHING,), **more)
    assert count == len(hits)
    return [hit.seq for hit in hits]


# finding


async def test_newest_is_found_first(room):
    await room.write(message(3, 3), message(4, 4, body="bye"), message(5, 5))
    assert await seqs(room, "hello") == [5, 3]


async def test_only_the_spans_are_searched(room):
    await room.write(*(message(n, n) for n in range(3, 10)))
    assert await seqs(room, "hello", (ROOM, 4, 5, 8), (ROOM, 8, 8, 8)) == [8, 5, 4]
    assert await seqs(room, "hello", ("!other:x", 1, 9, 9)) == []


async def test_edit_that_is_out_of_sight_changes_nothing(room):
    first = message(3, 3, body="early")
    await room.write(first, edit(4, 4, first.pdu.event_id, "late"))
    assert await seqs(room, "early", (ROOM, 1, 3, 3)) == [3]
    assert await seqs(room, "late", (ROOM, 1, 3, 3)) == []
    assert await seqs(room, "late") == [3]
    assert await seqs(room, "early") == []


async def test_places_hold_beyond_a_group(room):
    await room.write(*(message(n, n, sender=(ANN, "@c:x")[n % 2]) for n in range(3, 9)))
    hits, count = await found(room, "hello", by_sender=ANN, offset=2, limit=1)
    assert [(hit.seq, hit.place) for hit in hits] == [(6, 3)]
    assert count == 6


async def test_later_events_are_left_to_later_searches(room):
    await room.write(message(3, 3), message(4, 4))
    assert await seqs(room, "hello", through=3) == [3]


async def test_redacted_is_not_in_the_index(room):
    first, other = message(3, 3, body="early"), message(5, 5, body="other")
    target = first.pdu.event_id
    await room.write(first, edit(4, 4, target, "late"), other)
    await room.write(redaction(target, {**first.pdu.json, "content": {}}))
    assert indexed(room.store._db) == [(5, "other")]
    check(room.store._db)


async def test_search_that_takes_too_long_is_given_up(room, monkeypatch):
    await room.write(*(message(n, n) for n in range(3, 300)))
    monkeypatch.setattr(search_reads, "MAX_SECONDS", 0)
    monkeypatch.setattr(search_reads, "STEPS", 10)
    with pytest.raises(MatrixError, match="takes too long"):
        await found(room, "hello")
    monkeypatch.undo()
    assert len(await seqs(room, "hello", limit=1_000)) == 297


# the index


def indexed(db):
    return db.execute("select rowid, text from search_texts order by rowid").fetchall()


def check(db):
    """Raises DatabaseError if the index does not fit what it is of."""
    db.execute("insert into search_texts (search_texts) values ('integrity-check')")


def odd_events():
    """One event of each kind, at positions from 3."""
    bodies = ["plain", "ЁЛКА и ёж", "и\u0306од И\u0306", 5, None, {"a": "b"}, ["c"], ""]
    sent = [("m.room.message", {"body": body}) for body in bodies]
    sent += [("m.room.encrypted", {"body": "hidden"}), ("org.example", {"body": "no"})]
    events = []
    for pos, (kind, content) in enumerate(sent, 3):
        event = pdu(ROOM, pos, ANN, kind, content)
        events.append(
            StoreEvent(pdu=event, seq=pos, pos=pos, bumps=False, counts=False)
        )
    last = len(events) + 3
    named = state(last, last, "m.room.name", {"name": "имя ё"})
    topic = state(last + 1, last + 1, "m.room.topic", {"topic": "theme"})
    odd = state(last + 2, last + 2, "m.room.topic", {"topic": 5})
    edits = edit(last + 3, last + 3, events[0].pdu.event_id, "plainer")
    gone = message(last + 4, last + 4, body="gone")
    json = {**gone.pdu.json, "content": {}}
    return [*events, named, topic, odd, edits, gone, redaction(gone.pdu.event_id, json)]


async def test_migration_indexes_what_is_there(tmp_path):
    path = tmp_path / "chat.db"
    async with opened(SqliteStore(path)) as at:
        await at.write(*new_room(), *odd_events())
    with sqlite3.connect(path) as db:
        before = indexed(db)
        db.execute("drop table search_texts")
        db.execute("delete from _sqlite_migrations where name like '0006 %'")
    db.close()
    async with opened(SqliteStore(path)):
        pass
    with sqlite3.connect(path) as db:
        assert indexed(db) == before
        check(db)
    db.close()
    assert [text for _, text in before] == [
        "plain",
        "ЕЛКА и еж",
        "йод Й",
        "имя е",
        "theme",
        "plainer",
    ]


async def test_messages_of_a_run_are_indexed(tmp_path):
    async with opened(SqliteStore(tmp_path / "chat.db")) as at:
        await at.write(*new_room())
        for pos in range(3, 40):
            at.submit(message(pos, pos, body=f"nr {pos}\0ё"))
        await at.reported(38)
        assert indexed(at.store._db) == [(pos, f"nr {pos} е") for pos in range(3, 40)]
        check(at.store._db)


# text


@given(text=st.text())
def test_folding_twice_changes_nothing(text):
    once = folded(text)
    assert folded(once) == once
    assert "\0" not in once


@given(text=st.text(), rest=st.text())
async def test_every_text_is_found_by_itself(text, rest):
    async with opened(MemoryStore()) as at:
        await at.write(*new_room(), message(3, 3, body=f"{rest} {text}"))
        for by_rank in (False, True):
            hits = await seqs(at, text, by_rank=by_rank)
            assert hits in ([], [3])
    if any(char.isascii() and char.isalnum() for char in text):
        assert hits == [3]


@pytest.mark.parametrize("term", ["", " \t", '"', "*", "-- !", "💬"])
def test_term_without_words_matches_nothing(term):
    assert match_of(term) is None


@pytest.mark.parametrize(
    ("term", "expression"),
    [
        ("one", '"one" *'),
        ("one TWO", '"one" "TWO" *'),
        ('a"b OR - c*', '"a b" "OR" "c*" *'),
        ("One two one ONE two", '"One" "two" *'),
        ("x" * 101 + " y", '"' + "x" * 100 + '" * "y" *'),
        (
            " ".join(f"w{n}" for n in range(20)),
            " ".join(f'"w{n}"' for n in (*range(11), 19)) + " *",
        ),
    ],
)
def test_words_are_quoted(term, expression):
    assert match_of(term) == expression


@pytest.mark.parametrize(
    ("kind", "content", "rel_type", "text"),
    [
        ("m.room.message", {"body": "b"}, None, "b"),
        ("m.room.message", {"body": "b"}, "m.thread", "b"),
        ("m.room.message", {"body": "b"}, "m.replace", None),
        ("m.room.message", {"m.new_content": {"body": "n"}}, "m.replace", "n"),
        ("m.room.message", {"m.new_content": "n"}, "m.replace", None),
        ("m.room.name", {"name": "n", "body": "b"}, None, "n"),
        ("m.room.topic", {"body": "b"}, None, None),
        ("m.room.encrypted", {"body": "b"}, None, None),
    ],
)
def test_text_of_an_event(kind, content, rel_type, text):
    assert searchable(kind, content, rel_type) == text
