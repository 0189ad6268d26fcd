"""Which part of a room's history a user may see.

Specification, "History visibility", for a room that is a line: the answer is a few
ranges of seq. An event is seen by the rule in force and the user's membership when it
happened; an event that changes either is seen if it would be before or after it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeAlias

Changes: TypeAlias = Sequence[tuple[int, str]]
Ranges: TypeAlias = tuple[tuple[int, int], ...]




def visible_ranges(memberships: Changes, rules: Changes, head: int) -> Ranges:
    """The ranges of seq, both ends included, up to `head`.

    `memberships` are the user's, `rules` the room's history visibilities, each with
    the seq of the event that set it, in order.
    """
    last_joined = _last_joined(memberships, head)
    points = sorted({1, *(seq for seq, _ in (*memberships, *rules)), head + 1})
    ranges: list[tuple[int, int]] = []
    for start, end in zip(points, points[1:], strict=False):
        if start > head:
            break
        rule = _at(rules, start) or "shared"
        before_rule = _at(rules, start - 1) or "shared"
        member, before_member = _at(memberships, start), _at(memberships, start - 1)
        later = last_joined > start
        if _sees(before_rule, before_member, later=later) or _sees(
            rule,
            member,
            later=later,
        ):
            _add(ranges, start, start)
        if end - 1 > start and _sees(rule, member, later=last_joined > start):
            _add(ranges, start + 1, end - 1)
    return tuple(ranges)


def can_see(ranges: Sequence[tuple[int, int]], seq: int) -> bool:
    index = bisect_right(ranges, (seq, float("inf"))) - 1
    return index >= 0 and seq <= ranges[index][1]


def _sees(rule: str, membership: str, *, later: bool) -> bool:
    """`later`: the user has joined the room at some time after the event."""
    if rule == "world_readable" or membership == "join":
        return True
    if rule == "shared":
        return later
    return rule == "invited" and membership == "invite" and later


def _last_joined(memberships: Changes, head: int) -> int:
    """The last seq at which the user was in the room; 0 for never."""
    last = 0
    for index, (seq, membership) in enumerate(memberships):
        if membership == "join":
            following = memberships[index + 1 :]
            last = following[0][0] if following else head + 1
            last = max(last, seq)
    return last


def _at(changes: Changes, seq: int) -> str:
    index = bisect_right(changes, seq, key=lambda change: change[0]) - 1
    return changes[index][1] if index >= 0 else ""


def _add(ranges: list[tuple[int, int]], start: int, end: int) -> None:
    if ranges and ranges[-1][1] == start - 1:
        ranges[-1] = (ranges[-1][0], end)
    else:
        ranges.append((start, end))
