"""The whole screen as a value: rooms left, the chat right, a line to write below."""

from __future__ import annotations

from attrs import define, field, frozen

from chatproto.client.terminal.editor import Editor
from chatproto.client.terminal.rows import (
    BOLD,
    DIM,
    PLAIN,
    REVERSE,
    Line,
    member_name,
    timeline_lines,
)
from chatproto.client.terminal.text import clean, cut, padded, width
from chatproto.ids import EventId, RoomId
from chatproto.sync.chat_list import order
from chatproto.sync.room import Room
from chatproto.sync.store import ClientState

LIST_CELLS = 28
NARROW = 60  # below that only the chat is shown
PROMPT = "> "


@define
class View:
    """What the person at the terminal looks at and is writing.

    `scroll` is by how many lines the chat is moved back from the newest.
    """

    room_id: RoomId | None = None
    scroll: int = 0
    editor: Editor = field(factory=Editor)
    drafts: dict[RoomId, str] = field(factory=dict)
    editing: EventId | None = None
    notice: str = ""
    panel: tuple[str, ...] = ()  # shown instead of the chat
    is_connected: bool = True


@frozen
class Screen:
    """Lines with our own styles in them; `cursor` is a row and a column from 0."""

    lines: tuple[str, ...]
    cursor: tuple[int, int]


def render(state: ClientState, view: View, columns: int, rows: int) -> Screen:
    """The screen of a size in cells."""
    columns, rows = max(columns, 10), max(rows, 4)
    room = state.rooms.get(view.room_id) if view.room_id else None
    listed = LIST_CELLS if columns >= NARROW else 0
    cells = columns - listed - (1 if listed else 0)
    height = rows - 3
    chat = _chat(state, view, room, cells, height)
    rooms = _rooms(state, view, listed, height) if listed else [""] * height
    bar = "│" if listed else ""
    body = [
        f"{left}{bar}{_styled(line, cells)}"
        for left, line in zip(rooms, chat, strict=True)
    ]
    title = REVERSE + padded(_title(room), columns) + PLAIN
    status = DIM + padded(_status(state, view, room), columns) + PLAIN
    line, column = _input(view, columns)
    return Screen((title, *body, status, line), (rows - 1, column))


def paint(before: Screen | None, after: Screen) -> str:
    """What brings a terminal from one screen to the next."""
    known = before.lines if before is not None else ()
    changed = [
        f"\x1b[{row + 1};1H{line}\x1b[K"
        for row, line in enumerate(after.lines)
        if row >= len(known) or known[row] != line
    ]
    row, column = after.cursor
    return "".join([*changed, f"\x1b[{row + 1};{column + 1}H"])


def _title(room: Room | None) -> str:
    if room is None:
        return " chatproto"
    topic = clean(str(room.state.content("m.room.topic").get("topic", "")))
    return f" {clean(room.name) or room.room_id}" + (f" — {topic}" if topic else "")


def _rooms(state: ClientState, view: View, cells: int, height: int) -> list[str]:
    ids = order(state.rooms.values())
    here = view.room_id
    at = 0 if here is None or here not in ids else ids.index(here)
    first = max(0, min(at - height // 2, len(ids) - height))
    lines = []
    for room_id in ids[first : first + height]:
        room = state.rooms[room_id]
        count = badge(room)
        name = padded(f" {clean(room.name) or room_id}", cells - len(count) - 1)
        style = REVERSE if room_id == view.room_id else BOLD if count else PLAIN
        lines.append(f"{style}{name}{count} {PLAIN}")
    return lines + [" " * cells] * (height - len(lines))


def badge(room: Room) -> str:
    """What is new in a chat: the number of messages, with @ if one is meant."""
    if room.membership == "invite":
        return "invited"
    count, highlights = room.counts()
    return f"{'@' if highlights else ''}{count}" if count else ""


def _chat(
    state: ClientState, view: View, room: Room | None, cells: int, height: int
) -> list[Line]:
    if view.panel:
        lines = [Line(cut(clean(text), cells)) for text in view.panel]
    elif room is None:
        lines = [Line(cut(" No chat yet; /help tells how to begin.", cells), DIM)]
    elif room.membership == "invite":
        asked = f" {room.inviter or 'Somebody'} asks you in: /join or /leave."
        lines = [Line(cut(clean(asked), cells))]
    else:
        pending = state.outbox.entries(room.room_id)
        lines = timeline_lines(room, room.items(pending), cells, height + view.scroll)
    view.scroll = max(0, min(view.scroll, len(lines) - height))
    end = len(lines) - view.scroll
    shown = lines[max(0, end - height) : end]
    return [Line("")] * (height - len(shown)) + shown


def _status(state: ClientState, view: View, room: Room | None) -> str:
    if view.notice:
        return f" {clean(view.notice)}"
    if not view.is_connected:
        return " offline: what you write is sent when the connection is back"
    if view.editing is not None:
        return " changing your message; Esc leaves it as it was"
    if room is not None and room.typing.user_ids:
        names = ", ".join(member_name(room, user) for user in room.typing.user_ids)
        return f" {names} {'is' if len(room.typing.user_ids) == 1 else 'are'} writing…"
    return f" {state.user_id}" + (f"  ↑ {view.scroll}" if view.scroll else "")


def _input(view: View, columns: int) -> tuple[str, int]:
    """The line that is written, moved so that the cursor is on it."""
    room = columns - len(PROMPT) - 1
    before = clean(view.editor.text[: view.editor.at])
    after = clean(view.editor.text[view.editor.at :])
    while width(before) > room:
        before = before[1:]
    shown = before + cut(after, room - width(before))
    return PROMPT + shown, len(PROMPT) + width(before)


def _styled(line: Line, cells: int) -> str:
    return f"{line.style}{padded(line.text, cells)}{PLAIN}"
