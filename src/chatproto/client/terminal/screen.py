"""The whole screen as a value: rooms left, the chat right, a line to write below."""

from __future__ import annotations

import time

from attrs import define, field, frozen

from chatproto.client.terminal.editor import Editor
from chatproto.client.terminal.line import BOLD, DIM, PLAIN, REVERSE, Line, styled
from chatproto.client.terminal.rows import Clock, Rows, chat_rows
from chatproto.client.terminal.status import room_title, status_text
from chatproto.client.terminal.text import beginning, clean, cut, ending, padded, width
from chatproto.client.terminal.words import room_name
from chatproto.ids import EventId, RoomId, TxnId
from chatproto.sync.chat_list import order
from chatproto.sync.room import Room
from chatproto.sync.store import ClientState

LIST_CELLS = 28
NARROW = 60  # below that only the chat is shown
PROMPT = "> "


@frozen
class Anchor:
    """What stays at the bottom of a chat that is moved back: a line of a row."""

    key: str
    line: int


@define
class View:
    """What the person at the terminal looks at and is writing.

    `scroll` is by how many lines the chat is moved back from the newest, `anchor` what
    keeps it where it is when something is said.
    """

    room_id: RoomId | None = None
    scroll: int = 0
    anchor: Anchor | None = None
    editor: Editor = field(factory=Editor)
    drafts: dict[RoomId, str] = field(factory=dict)
    editing: EventId | TxnId | None = None
    notice: str = ""
    panel: tuple[str, ...] = ()  # shown instead of the chat
    is_connected: bool = True
    clock: Clock = time.localtime


@frozen
class Screen:
    """Lines with our own styles in them; `cursor` is a row and a column from 0.

    `scroll` and `anchor` are for the next look, `missing` is what ought to be paged in.
    """

    lines: tuple[str, ...]
    cursor: tuple[int, int]
    scroll: int = 0
    anchor: Anchor | None = None
    missing: str | None = None


def render(state: ClientState, view: View, columns: int, rows: int) -> Screen:
    """The screen of a size in cells."""
    columns, rows = max(columns, 10), max(rows, 4)
    room = state.rooms.get(view.room_id) if view.room_id else None
    listed = LIST_CELLS if columns >= NARROW else 0
    cells = columns - listed - (1 if listed else 0)
    height = rows - 3
    found = _chat(state, view, room, cells, height)
    scroll = _scroll(view, found.lines, height)
    end = len(found.lines) - scroll
    shown = found.lines[max(0, end - height) : end]
    chat = [Line()] * (height - len(shown)) + list(shown)
    rooms = _rooms(state, view, listed, height) if listed else [""] * height
    # Whatever width a terminal gives to an emoji, the chat begins at its column.
    bar = f"\x1b[{listed + 1}G│" if listed else ""
    body = [
        f"{left}{bar}{line.drawn(cells)}"
        for left, line in zip(rooms, chat, strict=True)
    ]
    title = styled(padded(room_title(state, room), columns), REVERSE)
    status = status_text(
        state,
        room,
        notice=view.notice,
        is_connected=view.is_connected,
        is_editing=view.editing is not None,
        scroll=scroll,
    )
    line, column = _input(view, columns)
    return Screen(
        (title, *body, styled(padded(status, columns), DIM), line),
        (rows - 1, column),
        scroll,
        _anchor(found.lines, scroll),
        found.missing,
    )


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


def _rooms(state: ClientState, view: View, cells: int, height: int) -> list[str]:
    ids = order(state.rooms.values())
    here = view.room_id
    at = 0 if here is None or here not in ids else ids.index(here)
    first = max(0, min(at - height // 2, len(ids) - height))
    lines: list[str] = []
    for room_id in ids[first : first + height]:
        room = state.rooms[room_id]
        count = badge(room) or ("✎" if view.drafts.get(room_id) else "")
        name = padded(f" {room_name(room)}", cells - width(count) - 2)
        style = REVERSE if room_id == here else BOLD if badge(room) else PLAIN
        lines.append(styled(f"{name} {count} ", style))
    return lines + [" " * cells] * (height - len(lines))


def badge(room: Room) -> str:
    """What is new in a chat: how many messages, and after an @ how many mean oneself."""
    if room.membership == "invite":
        return "invited"
    count, highlights = room.counts()
    return " ".join([f"@{highlights}"] * bool(highlights) + [str(count)] * bool(count))


def _chat(
    state: ClientState, view: View, room: Room | None, cells: int, height: int
) -> Rows:
    if view.panel:
        return Rows(tuple(Line.of(cut(clean(text), cells)) for text in view.panel))
    if room is None:
        known = "No chat is open; /help tells how to begin."
        said = "You are not in this room; /join goes in." if view.room_id else known
        return Rows((Line.of(f" {said}", DIM),))
    if room.membership == "invite":
        asked = f" {room.inviter or 'Somebody'} asks you in: /join or /leave."
        return Rows((Line.of(clean(asked)),))
    items = room.items(state.outbox.entries(room.room_id))
    # One screen more than is shown, so that paging back finds it there.
    wanted = 2 * height + view.scroll
    until = view.anchor.key if view.anchor else ""
    return chat_rows(room, items, cells, wanted, until=until, clock=view.clock)


def _scroll(view: View, lines: tuple[Line, ...], height: int) -> int:
    """How far back the chat is moved, with the anchor where it was."""
    scroll = view.scroll
    if view.anchor is not None and scroll:
        own = [at for at, line in enumerate(lines) if line.key == view.anchor.key]
        if own:
            scroll = len(lines) - 1 - own[min(view.anchor.line, len(own) - 1)]
    return max(0, min(scroll, len(lines) - height))


def _anchor(lines: tuple[Line, ...], scroll: int) -> Anchor | None:
    if not scroll:
        return None
    at = len(lines) - 1 - scroll
    key = lines[at].key
    first = next(i for i, line in enumerate(lines) if line.key == key)
    return Anchor(key, at - first) if key else None


def _input(view: View, columns: int) -> tuple[str, int]:
    """The line that is written, moved so that the cursor is on it."""
    room = columns - len(PROMPT) - 1
    text, at = view.editor.text.replace("\n", "⏎"), view.editor.at
    before = ending(clean(text[:at]), room)
    after = beginning(clean(text[at:]), room - width(before))
    return PROMPT + before + after, len(PROMPT) + width(before)
