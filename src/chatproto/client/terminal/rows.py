"""The timeline of a room as lines of text."""

from __future__ import annotations

import time

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.client.terminal.text import clean, clean_lines, cut, wrapped
from chatproto.ids import EventId, UserId
from chatproto.sync.items import TimelineItem
from chatproto.sync.room import Room

DIM, BOLD, REVERSE, PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[7m", "\x1b[0m"
_KINDS = {
    "m.image": "picture",
    "m.file": "file",
    "m.audio": "sound",
    "m.video": "video",
    "m.location": "place",
}
_MEMBERSHIPS = {
    "join": "is in the room",
    "invite": "was invited",
    "leave": "is no longer in the room",
    "ban": "was banned",
    "knock": "asks to be let in",
}


@frozen
class Line:
    """One line on the screen: our own style, and a clean text."""

    text: str
    style: str = PLAIN


def timeline_lines(
    room: Room, items: tuple[TimelineItem, ...], cells: int, wanted: int
) -> list[Line]:
    """The newest rows of a room, wrapped to so many cells: `wanted` lines or more."""
    by_id = {item.event_id: item for item in items if item.event_id is not None}
    found: list[list[Line]] = []
    count = 0
    for item in reversed(items):
        if count >= wanted:
            break
        found.append(_item_lines(room, item, by_id, cells))
        count += len(found[-1])
    return [line for lines in reversed(found) for line in lines]


def _item_lines(
    room: Room,
    item: TimelineItem,
    by_id: dict[EventId, TimelineItem],
    cells: int,
) -> list[Line]:
    if item.state_key is not None:
        said = said_of(room, item)
        return [Line(cut(f"      — {said}", cells), DIM)] if said else []
    number = "" if item.seq is None else str(item.seq)
    clock = time.strftime("%H:%M", time.localtime(item.ts / 1000))
    head = f"{number:>4} {clock} "
    name = member_name(room, item.sender)
    lines: list[Line] = []
    target = by_id.get(item.reply_to) if item.reply_to else None
    if item.reply_to is not None:
        quoted = "…" if target is None else f"{member_name(room, target.sender)}: "
        quoted += "" if target is None else clean(body_of(target))
        lines.append(Line(cut(f"{head}↪ {quoted}", cells), DIM))
        head = " " * len(head)
    style = DIM if item.redacted or item.content.get("msgtype") == "m.notice" else PLAIN
    text = clean_lines(body_of(item))
    says = (
        "* " + name + " " if item.content.get("msgtype") == "m.emote" else f"{name}: "
    )
    text[0] = says + text[0]
    text[-1] += marks(room, item)
    indent = " " * len(head)
    parts = [part for line in text for part in wrapped(line, max(8, cells - len(head)))]
    for index, part in enumerate(parts):
        lines.append(Line((indent if index else head) + part, style))
    if item.reactions:
        shown = "  ".join(f"{clean(r.key)} {len(r.senders)}" for r in item.reactions)
        lines.append(Line(cut(indent + shown, cells), DIM))
    return lines


def body_of(item: TimelineItem) -> str:
    """What a message says."""
    if item.redacted:
        return "(deleted)"
    body = item.content.get("body")
    text = body if isinstance(body, str) else f"({item.type})"
    kind = _KINDS.get(str(item.content.get("msgtype")))
    return f"[{kind}] {text}" if kind else text


def marks(room: Room, item: TimelineItem) -> str:
    """What is to be known of a message beside its text: edited, waiting, read."""
    shown = " (edited)" if item.edited else ""
    if item.thread is not None:
        shown += f" [{item.thread.count} in the thread]"
    if item.status == "failed":
        why = clean(str((item.error or {}).get("error", "refused")))
        return f"{shown} ✗ not sent: {why}"
    if item.status is not None and item.status != "sent":
        return f"{shown} …"
    if item.sender == room.own and item.event_id is not None and not item.redacted:
        return f"{shown} {'✓✓' if room.read_by(item.event_id) else '✓'}"
    return shown


def said_of(room: Room, item: TimelineItem) -> str | None:
    """A change of the room's state in words; None for one that people need not see."""
    content: JsonObject = item.content
    if item.type == "m.room.member":
        who = member_name(room, UserId(item.state_key or ""))
        return f"{who} {_MEMBERSHIPS.get(str(content.get('membership')), 'changed')}"
    sender = member_name(room, item.sender)
    if item.type == "m.room.name":
        return f"{sender} named the room {clean(str(content.get('name', '')))}"
    if item.type == "m.room.topic":
        return f"{sender} set the topic: {clean(str(content.get('topic', '')))}"
    return f"{sender} made the room" if item.type == "m.room.create" else None


def member_name(room: Room, user_id: UserId) -> str:
    return clean(room.state.member(user_id).name)
