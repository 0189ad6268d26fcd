from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.server.filters import MAX_TIMELINE
from chatproto.server.sliding.wanted import RoomWanted, room_wanted
from tests.unit.server.harness import refused

ME = "@me:x"
TYPES = ("m.room.name", "m.room.member", "m.x")
KEYS = ("", ME, "@other:x")
PAIRS = st.lists(
    st.tuples(
        st.sampled_from([*TYPES, "*"]), st.sampled_from([*KEYS, "*", "$ME", "$LAZY"])
    ),
    max_size=4,
)


def matched(wanted):
    return {(t, k) for t in TYPES for k in KEYS if wanted.state.matches(t, k)}


EVERY = {(t, k) for t in TYPES for k in KEYS}


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], set()),
        ([("m.x", "")], {("m.x", "")}),
        ([("m.x", "*")], {("m.x", key) for key in KEYS}),
        ([("*", "")], {(kind, "") for kind in TYPES}),
        ([("*", "*")], EVERY),
        ([("m.room.member", "$ME")], {("m.room.member", ME)}),
        ([("m.room.member", "$LAZY")], set()),
        (
            [("*", "*"), ("m.room.member", "$LAZY"), ("m.room.member", "$ME")],
            {p for p in EVERY if p[0] != "m.room.member"} | {("m.room.member", ME)},
        ),
        ([("m.x", "$LAZY")], set()),
    ],
    ids=str,
)
def test_state_is_matched(pairs, expected):
    assert matched(room_wanted(1, pairs, ME)) == expected


@given(PAIRS, PAIRS, st.integers(0, 200), st.integers(0, 200))
def test_added_up_is_all_that_either_wants(one, two, low, high):
    left, right = room_wanted(low, one, ME), room_wanted(high, two, ME)
    both = left | right
    assert both == right | left
    assert both.timeline_limit == min(max(low, high), MAX_TIMELINE)
    lazy = left.state.lazy_members or right.state.lazy_members
    assert both.state.lazy_members == lazy
    assert matched(both) == matched(left) | matched(right)


@given(PAIRS)
def test_exact_is_all_that_can_match(pairs):
    wanted = room_wanted(1, pairs, ME)
    if wanted.state.exact is not None:
        assert matched(wanted) <= set(wanted.state.exact)


def test_same_wishes_are_equal():
    pairs = [("m.x", ""), ("m.room.name", "")]
    one, two = room_wanted(1, pairs, ME), room_wanted(1, list(reversed(pairs)), ME)
    assert one == two
    assert isinstance(one | two, RoomWanted)


@pytest.mark.parametrize(
    ("limit", "pairs"),
    [(-1, []), (1, [("m.x",)]), (1, [("m.x", "", "")]), (1, [()])],
)
def test_nonsense_is_refused(limit, pairs):
    with refused("M_INVALID_PARAM"):
        room_wanted(limit, pairs, ME)
