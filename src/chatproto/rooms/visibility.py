"""Which part of a room's history a user may see.

Specification, "History visibility", for a room that is a line: the answer is a few
ranges of seq. An event is seen by the rule in force and the user's membership when it
happened; an event that changes either is seen if it would be before or after it. So
whoever leaves or is banned sees that as the last event, and whoever was never there sees
nothing: a range is also what lets one ask for the room's state.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

Changes: TypeAlias = Sequence[tuple[int, str]]
Ranges: TypeAlias = tuple[tuple[int, int], ...]


def visible_ranges(memberships: Changes, rules: Changes, head: int) -> Ranges:
    """The ranges of seq, both ends included, up to `head`.

    `memberships` are the user's, `rules` the room's history visibilities, each with
    the seq of the event that set it, in order.
    """
    last_join = max((seq for seq, member in memberships if member == "join"), default=0)
    changes = {seq for seq, _ in (*memberships, *rules)}
    points = sorted({1, head + 1, *(seq for seq in changes if 1 <= seq <= head)})
    ranges: list[tuple[int, int]] = []
    for start, end in pairwise(points):
        joins_later = last_join > start
        after = _at(rules, start), _at(memberships, start)
        before = _at(rules, start - 1), _at(memberships, start - 1)
        if any(_sees(*each, joins_later) for each in (before, after)):
            _add(ranges, start, start)
        if end - start > 1 and _sees(*after, joins_later):
            _add(ranges, start + 1, end - 1)
    return tuple(ranges)


def can_see(ranges: Sequence[tuple[int, int]], seq: int) -> bool:
    index = bisect_right(ranges, (seq, float("inf"))) - 1
    return index >= 0 and seq <= ranges[index][1]


def _sees(rule: str, membership: str, joins_later: bool) -> bool:
    if rule == "world_readable" or membership == "join":
        return True
    if rule == "invited":
        return membership == "invite"
    return rule != "joined" and joins_later


def _at(changes: Changes, seq: int) -> str:
    index = bisect_right(changes, seq, key=lambda change: change[0]) - 1
    return changes[index][1] if index >= 0 else ""


def _add(ranges: list[tuple[int, int]], start: int, end: int) -> None:
    if ranges and ranges[-1][1] == start - 1:
        ranges[-1] = (ranges[-1][0], end)
    else:
        ranges.append((start, end))
