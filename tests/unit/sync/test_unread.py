from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.sync.unread import Base, Uncounted, Unread


def base(read_seq: int, through: int, count: int, highlights: int = 0) -> Base:
    return Base(
        read_seq=read_seq,
        through=through,
        notification_count=count,
        highlight_count=highlights,
    )


def at(read_seq: int, through: int, count: int, highlights: int = 0) -> Unread:
    unread = Unread()
    unread.rebase(base(read_seq, through, count, highlights))
    return unread


def redaction(seq: int, target: int, *, counted: bool = True) -> Uncounted:
    return Uncounted(seq=seq, target=target, counted=counted)


def test_events_after_base_are_added() -> None:
    unread = at(3, 10, 4, 1)
    unread.count(10, highlight=False)
    unread.count(11, highlight=True)
    unread.count(11, highlight=True)
    assert unread.totals() == (5, 2)


def test_reading_past_base_leaves_the_tail() -> None:
    unread = at(3, 10, 4, 1)
    for seq in (11, 12, 13):
        unread.count(seq, highlight=seq == 13)
    unread.read(12)
    assert unread.totals() == (1, 1)


def test_reading_into_base_takes_known_events() -> None:
    unread = at(3, 10, 4)
    unread.count(5, highlight=False)
    unread.count(9, highlight=False)
    unread.read(8)
    assert unread.totals() == (3, 0)


def test_read_position_never_moves_back() -> None:
    unread = at(3, 10, 4)
    unread.read(10)
    unread.read(5)
    assert (unread.read_seq, unread.totals()) == (10, (0, 0))


def test_repeated_older_numbers_are_refused() -> None:
    unread = at(3, 10, 4)
    unread.rebase(base(8, 10, 1))
    unread.rebase(base(3, 10, 4))
    assert unread.totals() == (1, 0)


def test_older_read_position_with_newer_events_is_taken() -> None:
    unread = at(8, 10, 1)
    unread.rebase(base(7, 12, 3))
    assert unread.totals() == (3, 0)


def test_event_read_and_redacted_leaves_once() -> None:
    unread = at(3, 10, 4)
    unread.count(5, highlight=False)
    unread.uncount(redaction(11, 5))
    unread.read(6)
    assert unread.totals() == (3, 0)


def test_event_redacted_before_base_was_not_in_it() -> None:
    unread = at(3, 10, 4)
    unread.count(5, highlight=False)
    unread.uncount(redaction(9, 5))
    unread.read(6)
    assert unread.totals() == (4, 0)


@pytest.mark.parametrize(
    ("seq", "target", "counted", "left"),
    [
        (11, 5, True, 3),
        (11, 5, False, 4),
        (10, 5, True, 4),
        (11, 3, True, 4),
        (13, 12, True, 4),
    ],
    ids=["in-base", "never-counted", "known-to-base", "read", "not-yet-seen"],
)
def test_redaction_of_event_in_base(
    seq: int, target: int, counted: bool, left: int
) -> None:
    unread = at(3, 10, 4)
    unread.uncount(redaction(seq, target, counted=counted))
    assert unread.totals() == (left, 0)


def test_redaction_held_until_its_target_comes() -> None:
    unread = at(3, 10, 0)
    unread.uncount(redaction(13, 12))
    unread.count(12, highlight=True)
    assert unread.totals() == (0, 0)


def test_highlights_never_exceed_what_is_unread() -> None:
    unread = at(3, 10, 1, 1)
    unread.uncount(redaction(11, 5))
    assert unread.totals() == (0, 0)


def test_facts_behind_the_base_are_forgotten() -> None:
    unread = at(3, 10, 4)
    unread.count(11, highlight=False)
    unread.uncount(redaction(12, 11))
    unread.read(12)
    assert (unread.counted, unread.redactions) == ({}, {})


FACTS = st.one_of(
    st.tuples(st.just("count"), st.integers(1, 20), st.booleans()),
    st.tuples(st.just("uncount"), st.integers(1, 20), st.booleans()),
    st.tuples(st.just("read"), st.integers(1, 20), st.booleans()),
)


@given(facts=st.lists(FACTS, max_size=12), data=st.data())
def test_facts_in_any_order_and_number_add_up_the_same(
    facts: list[tuple[str, int, bool]], data: st.DataObject
) -> None:
    # What an event is does not change: one highlight flag for each seq.
    flags = {seq: flag for kind, seq, flag in facts if kind == "count"}
    again = data.draw(st.permutations(facts + facts[:3]))
    assert told(facts, flags) == told(again, flags)


def told(facts: list[tuple[str, int, bool]], flags: dict[int, bool]) -> tuple[int, int]:
    unread = Unread()
    for kind, seq, counted in facts:
        if kind == "count":
            unread.count(seq, highlight=flags[seq])
        elif kind == "uncount":
            unread.uncount(redaction(seq + 1, seq, counted=counted))
        else:
            unread.read(seq)
        unread.totals()
    return unread.totals()
