"""The timeline of a room as lines, from the newest back."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from attrs import evolve, frozen

from chatproto.client.terminal.line import (
    BOLD,
    DIM,
    PLAIN,
    RED,
    Line,
    color_of,
)
from chatproto.client.terminal.text import clean, clean_lines, wrapped
from chatproto.client.terminal.words import body_of, marks, member_name, said_of
from chatproto.ids import EventId
from chatproto.sync.items import TimelineItem
from chatproto.sync.room import Room
from chatproto.sync.timeline import Gap

Clock: TypeAlias = Callable[[float], time.struct_time]

ROOMY = 30  # cells; with less there are no numbers and times


@frozen
class Rows:
    """Lines of a chat, the oldest first.

    `missing` is the token from which to page back, for what ought to be among them.
    """

    lines: tuple[Line, ...]
    missing: str | None = None


@frozen
class Look:
    """What one needs to know to draw a row."""

    room: Room
    cells: int
    clock: Clock
    by_id: dict[EventId, TimelineItem]
    read_seq: int  # others have read one's own messages up to here


def chat_rows(
    room: Room,
    items: Sequence[TimelineItem],
    cells: int,
    wanted: int,
    *,
    until: str = "",
    clock: Clock = time.localtime,
) -> Rows:
    """The newest lines, `wanted` or more; so many also above the row `until`."""
    by_id = {item.event_id: item for item in items if item.event_id is not None}
    look = Look(room, cells, clock, by_id, read_up_to(room, items))
    found: list[list[Line]] = []
    missing: str | None = None
    count = 0
    for lines, token in _groups(look, items):
        found.append(lines)
        missing = missing or token
        count += len(lines)
        if until and lines[-1].key == until:
            until, wanted = "", count + wanted
        if count >= wanted and not until:
            break
    return Rows(tuple(line for lines in reversed(found) for line in lines), missing)


def read_up_to(room: Room, items: Sequence[TimelineItem]) -> int:
    """The place of the newest own message that somebody else has read."""
    own = [i for i in items if i.sender == room.own and i.seq is not None]
    # Who has read a message has read those before it.
    count = bisect_left(own, 1, key=lambda item: 0 if _readers(room, item) else 1)
    return (own[count - 1].seq or 0) if count else 0


def _readers(room: Room, item: TimelineItem) -> bool:
    return item.event_id is not None and bool(room.read_by(item.event_id))


def _groups(
    look: Look, items: Sequence[TimelineItem]
) -> Iterator[tuple[list[Line], str | None]]:
    """The lines of rows, days and gaps, the newest first."""
    gaps, place, day = look.room.timeline.gaps(), float("inf"), ""
    for item in reversed(items):
        seq = place if item.seq is None else item.seq
        for gap in _between(gaps, seq, place):
            if day:
                yield [_day_line(day)], None
            day = ""
            yield [_missing_line(gap.token)], gap.token
        place = seq
        lines = _item_lines(look, item)
        if not lines:
            continue
        before, day = day, time.strftime("%a %d %b %Y", look.clock(item.ts / 1000))
        if before and before != day:
            yield [_day_line(before)], None
        yield lines, None
    if day:
        yield [_day_line(day)], None
    earlier = look.room.timeline.before()
    if earlier is not None:
        yield [_missing_line(earlier)], earlier


def _between(gaps: Sequence[Gap], low: float, high: float) -> list[Gap]:
    return [gap for gap in reversed(gaps) if low < gap.last and gap.first < high]


def _day_line(day: str) -> Line:
    return Line(((DIM, f"      ── {day} ──"),), key=day)


def _missing_line(token: str) -> Line:
    return Line(((DIM, "      ⋯ earlier messages"),), key=token)


def _item_lines(look: Look, item: TimelineItem) -> list[Line]:
    key = item.event_id or item.txn_id or ""
    if item.state_key is not None:
        said = said_of(look.room, item)
        lines = [Line.of(f"      — {said}", DIM)] if said else []
    else:
        lines = _message_lines(look, item)
    return [evolve(line, key=key) for line in lines]


def _message_lines(look: Look, item: TimelineItem) -> list[Line]:
    head = _head(look, item)
    indent = " " * len(head)
    lines: list[Line] = []
    if item.reply_to is not None:
        lines.append(Line.of(f"{head}↪ {_quoted(look, item.reply_to)}", DIM))
        head = indent
    says, style = _says(look, item), _style(item)
    is_own = item.sender == look.room.own
    text = clean_lines(body_of(item))
    text[0] = says + text[0]
    is_read = item.seq is not None and item.seq <= look.read_seq
    text[-1] += marks(item, is_own=is_own, is_read=is_read)
    cells = max(2, look.cells - len(head))
    parts = [part for line in text for part in wrapped(line, cells)]
    named = BOLD if is_own else color_of(item.sender)
    for part in parts:
        name = says if not item.redacted and part.startswith(says) else ""
        spans = ((DIM, head), (named, name), (style, part[len(name) :]))
        lines.append(Line(spans))
        says, head = "\n", indent  # only the first one begins with the name
    if item.reactions:
        shown = "  ".join(f"{clean(r.key)} {len(r.senders)}" for r in item.reactions)
        lines.append(Line.of(indent + shown, DIM))
    return lines


def _head(look: Look, item: TimelineItem) -> str:
    if look.cells < ROOMY:
        return ""
    number = "" if item.seq is None else item.seq
    clock = time.strftime("%H:%M", look.clock(item.ts / 1000))
    return f"{number:>4} {clock} "


def _quoted(look: Look, target: EventId) -> str:
    item = look.by_id.get(target)
    if item is None:
        return "an earlier message"
    return f"{member_name(look.room, item.sender)}: {clean(body_of(item))}"


def _says(look: Look, item: TimelineItem) -> str:
    name = member_name(look.room, item.sender)
    is_emote = item.content.get("msgtype") == "m.emote"
    return f"* {name} " if is_emote else f"{name}: "


def _style(item: TimelineItem) -> str:
    if item.status == "failed":
        return RED
    is_quiet = item.redacted or item.content.get("msgtype") == "m.notice"
    return DIM if is_quiet else PLAIN
