from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.rooms.visibility import can_see, visible_ranges


def seen(memberships, rules, head):
    return list(visible_ranges(memberships, rules, head))


JOINED_3_TO_6 = [(3, "join"), (6, "leave")]


# A rule set at 1 leaves event 1 to those who join later: before it, history was shared.
@pytest.mark.parametrize(
    ("memberships", "rules", "ranges"),
    [
        ([], [], []),
        ([], [(2, "world_readable")], [(2, 9)]),
        ([], [(2, "world_readable"), (5, "joined")], [(2, 5)]),
        ([(3, "join")], [], [(1, 9)]),
        (JOINED_3_TO_6, [], [(1, 6)]),
        (JOINED_3_TO_6, [(1, "joined")], [(1, 1), (3, 6)]),
        ([*JOINED_3_TO_6, (8, "join")], [(1, "joined")], [(1, 1), (3, 6), (8, 9)]),
        ([*JOINED_3_TO_6, (8, "join")], [], [(1, 9)]),
        ([(3, "join"), (6, "ban")], [(1, "joined")], [(1, 1), (3, 6)]),
        ([(3, "invite"), (6, "join")], [(1, "invited")], [(1, 1), (3, 9)]),
        ([(3, "invite"), (6, "join")], [(1, "joined")], [(1, 1), (6, 9)]),
        ([(3, "invite")], [(1, "invited")], [(3, 9)]),
        ([(3, "invite"), (6, "leave")], [(1, "invited")], [(3, 6)]),
        ([(3, "invite"), (6, "leave")], [], []),
        ([(3, "knock"), (6, "leave")], [], []),
        ([(3, "ban")], [], []),
        ([(4, "join")], [(2, "joined"), (7, "shared")], [(1, 2), (4, 9)]),
        ([(5, "join")], [(1, "joined"), (3, "shared")], [(1, 1), (3, 9)]),
        ([(3, "join")], [(1, "nonsense")], [(1, 9)]),
    ],
    ids=[
        "never-there",
        "world",
        "world-then-joined",
        "shared-before-joining",
        "nothing-after-leaving",
        "only-while-joined",
        "twice-there",
        "shared-between",
        "own-ban",
        "since-invited",
        "invited-counts-not",
        "still-invited",
        "own-refusal",
        "refused-an-invitation",
        "took-a-knock-back",
        "banned-from-outside",
        "closed-before-joining",
        "opened-before-joining",
        "unknown-rule-is-the-default",
    ],
)
def test_ranges_of_a_room_of_nine(memberships, rules, ranges):
    assert seen(memberships, rules, 9) == ranges


def test_empty_room_has_no_ranges():
    assert visible_ranges([], [(1, "world_readable")], 0) == ()


def test_view_of_an_earlier_head():
    assert seen([(8, "join")], [], 5) == [(1, 5)]
    rules = [(1, "joined"), (7, "shared")]
    assert seen([(3, "join"), (8, "leave")], rules, 5) == [(1, 1), (3, 5)]


@given(
    st.lists(
        st.sampled_from(
            [
                "",
                *(f"m {each}" for each in ("join", "leave", "invite", "knock", "ban")),
                *(
                    f"v {each}"
                    for each in ("world_readable", "shared", "invited", "joined")
                ),
            ]
        ),
        max_size=14,
    )
)
def test_ranges_agree_with_each_event(steps):
    events = list(enumerate((step.split(" ") for step in steps), 1))
    memberships = [(seq, step[1]) for seq, step in events if step[0] == "m"]
    rules = [(seq, step[1]) for seq, step in events if step[0] == "v"]
    ranges = visible_ranges(memberships, rules, len(steps))
    expected = [seq for seq, _ in events if event_is_seen(seq, events)]
    assert [seq for seq, _ in events if can_see(ranges, seq)] == expected
    assert not can_see(ranges, 0)
    assert not can_see(ranges, len(steps) + 1)
    assert all(a <= b for a, b in ranges)
    assert all(b + 1 < c for (_, b), (c, _) in pairwise(ranges))


def event_is_seen(seq, events):
    """The rules as the specification puts them, of one event at a time."""

    def at(kind, place, default):
        found = [step[1] for n, step in events if step[0] == kind and n <= place]
        return found[-1] if found else default

    joins_later = any(step == ["m", "join"] for n, step in events if n > seq)
    for place in (seq, seq - 1):
        rule, membership = at("v", place, "shared"), at("m", place, "leave")
        if (
            rule == "world_readable"
            or membership == "join"
            or (rule == "shared" and joins_later)
            or (rule == "invited" and membership == "invite")
        ):
            return True
    return False
