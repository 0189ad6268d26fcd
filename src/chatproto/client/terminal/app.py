"""The chat client at work: keys and news in, screens out."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, contextmanager

import trio

from chatproto.client.rooms import Room as Handle
from chatproto.client.session import Session
from chatproto.client.terminal.actions import Actions
from chatproto.client.terminal.commands import parse, plain
from chatproto.client.terminal.editor import Editor
from chatproto.client.terminal.keys import Keys
from chatproto.client.terminal.rows import body_of
from chatproto.client.terminal.screen import Screen, View, paint, render
from chatproto.client.transport import Disconnected
from chatproto.errors import ChatprotoError
from chatproto.ids import EventId, RoomId
from chatproto.operations.codec import unstructure
from chatproto.operations.messages import GetHistory
from chatproto.sync.chat_list import order

ESCAPE_S = 0.05  # so long an escape may be the beginning of a sequence
FRAME_S = 0.02  # news that come together are painted together
TICK_S = 1.0
TYPING_S = 4.0
PAGE = 50
_ENTER = "\x1b[?1049h\x1b[?2004h\x1b[2J"
_LEAVE = "\x1b[?2004l\x1b[?1049l"


async def chat(session: Session, room_id: RoomId | None) -> None:
    """Chat on the terminal until the person leaves."""
    app = App(session, room_id)
    with _raw_terminal():
        await app.run()


class App:
    """One person at one terminal. `write` takes what is to be shown."""

    def __init__(
        self,
        session: Session,
        room_id: RoomId | None = None,
        *,
        write: Callable[[str], None] | None = None,
        keys: Callable[[], AsyncGenerator[str]] | None = None,
        size: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        self.session = session
        self.view = View(room_id=room_id)
        self._write = write or _write
        self._keys = keys or _keys
        self._size = size or _size
        self._actions = Actions(session, self.view, self._quit)
        self._painted: Screen | None = None
        self._dirty = trio.Event()
        self._read: dict[RoomId, EventId] = {}
        self._typed_at = float("-inf")
        self._fetching = False
        self._nursery: trio.Nursery

    async def run(self) -> None:
        async with trio.open_nursery() as self._nursery:
            ids = order(self.session.state.rooms.values())
            self._show(self.view.room_id or (ids[0] if ids else None))
            for work in (self._follow, self._tick, self._paint, self._resize):
                self._nursery.start_soon(work)
            async with aclosing(self._keys()) as keys:
                async for key in keys:
                    self._press(key)
                    self._dirty.set()
            self._quit()

    def _quit(self) -> None:
        self._nursery.cancel_scope.cancel()

    # what makes the screen change

    async def _follow(self) -> None:
        async for _ in self.session.changes():
            self._dirty.set()

    async def _tick(self) -> None:
        while True:
            await trio.sleep(TICK_S)
            self.session.state.expire(time.time_ns() // 1_000_000)
            self._dirty.set()

    async def _resize(self) -> None:
        with trio.open_signal_receiver(signal.SIGWINCH) as signals:
            async for _ in signals:
                self._painted = None
                self._dirty.set()

    async def _paint(self) -> None:
        while True:
            self._dirty = trio.Event()
            self.view.is_connected = self.session.is_connected
            columns, rows = self._size()
            screen = render(self.session.state, self.view, columns, rows)
            if screen != self._painted:
                clear = "" if self._painted else "\x1b[2J"
                self._write(clear + paint(self._painted, screen))
                self._painted = screen
            self._note_read()
            await trio.sleep(FRAME_S)
            await self._dirty.wait()

    # keys

    def _press(self, key: str) -> None:
        self.view.notice = ""
        action = _KEYS.get(key)
        if action is not None:
            action(self)
        elif key == "<up>" and not self.view.editor.text:
            self._edit_newest()
        else:
            before = self.view.editor
            self.view.editor = before.pressed(key)
            if self.view.editor.text != before.text:
                self._note_typing()

    def _enter(self) -> None:
        line = self.view.editor.text.strip()
        editing, self.view.editing = self.view.editing, None
        self.view.editor, self.view.panel = Editor(), ()
        if not line:
            return
        self.view.scroll = 0
        self._typed_at = float("-inf")
        self._start(self._say, line, editing)

    async def _say(self, line: str, editing: EventId | None) -> None:
        command = parse(line)
        if command is not None:
            await self._actions.run(command)
        elif editing is not None:
            await self._actions.handle.edit(editing, plain(line))
        else:
            await self._actions.handle.send_text(plain(line))

    def _escape(self) -> None:
        if self.view.editing is not None:
            self.view.editor, self.view.editing = Editor(), None
        self.view.panel, self.view.scroll = (), 0

    def _edit_newest(self) -> None:
        try:
            item = self._actions.item(None, own=True)
        except ChatprotoError as error:
            self.view.notice = str(error)
            return
        if item.event_id is not None:
            self.view.editing = item.event_id
            self.view.editor = Editor.of(body_of(item))

    def _redraw(self) -> None:
        self._painted = None

    def _back(self) -> None:
        self.view.scroll += max(1, (self._size()[1] - 3) // 2)
        room = self.session.state.rooms.get(self.view.room_id or RoomId(""))
        if room is not None and not self._fetching:
            gaps = room.timeline.gaps()
            token = gaps[-1].token if gaps else room.timeline.before()
            if token is not None:
                self._fetching = True
                self._start(self._fetch, room.room_id, token)

    async def _fetch(self, room_id: RoomId, token: str) -> None:
        try:
            request = GetHistory(room_id=room_id, from_=token, limit=PAGE)
            page = await self.session.call(request)
            self.session.state.apply_history(room_id, unstructure(page))
        finally:
            self._fetching = False

    def _forward(self) -> None:
        self.view.scroll -= max(1, (self._size()[1] - 3) // 2)

    def _step(self, by: int) -> None:
        ids = order(self.session.state.rooms.values())
        if ids:
            shown = self.view.room_id
            at = -by if shown is None or shown not in ids else ids.index(shown)
            self._show(ids[(at + by) % len(ids)])

    def _show(self, room_id: RoomId | None) -> None:
        view = self.view
        if view.room_id is not None and view.editing is None:
            view.drafts[view.room_id] = view.editor.text
        view.room_id, view.editing, view.scroll, view.panel = room_id, None, 0, ()
        view.editor = Editor.of(view.drafts.get(room_id, "") if room_id else "")

    # what is told to others

    def _note_typing(self) -> None:
        room = self.session.state.rooms.get(self.view.room_id or RoomId(""))
        now = trio.current_time()
        if room is None or room.membership != "join" or now - self._typed_at < TYPING_S:
            return
        if self.session.is_connected and not self.view.editor.text.startswith("/"):
            self._typed_at = now
            self._start(self._tell_typing, room.room_id)

    async def _tell_typing(self, room_id: RoomId) -> None:
        await Handle(self.session, room_id).typing(timeout_ms=8_000)

    def _note_read(self) -> None:
        """What is on the screen has been read."""
        room = self.session.state.rooms.get(self.view.room_id or RoomId(""))
        if room is None or self.view.scroll or room.membership != "join":
            return
        events = room.timeline.events()
        if not events or not self.session.is_connected:
            return
        newest = EventId(str(events[-1]["event_id"]))
        if (
            room.timeline.head > room.read_seq
            and self._read.get(room.room_id) != newest
        ):
            self._read[room.room_id] = newest
            self._start(Handle(self.session, room.room_id).read, newest)

    def _start(self, function: Callable[..., Awaitable[None]], *args: object) -> None:
        self._nursery.start_soon(self._guarded, function, *args)

    async def _guarded(
        self, function: Callable[..., Awaitable[None]], *args: object
    ) -> None:
        """What is refused is told, and nothing else happens."""
        try:
            await function(*args)
        except Disconnected:
            pass  # the status line says so, and what waits is sent later
        except ChatprotoError as error:
            self.view.notice = str(error)
        self._dirty.set()


_KEYS: dict[str, Callable[[App], None]] = {
    "<enter>": App._enter,
    "<esc>": App._escape,
    "<page-up>": App._back,
    "<page-down>": App._forward,
    "<tab>": lambda app: app._step(1),
    "<next>": lambda app: app._step(1),
    "<previous>": lambda app: app._step(-1),
    "<ctrl-c>": App._quit,
    "<ctrl-l>": App._redraw,
}


async def _keys() -> AsyncGenerator[str]:
    """Keys from standard input, until it ends."""
    keys = Keys()
    while True:
        ready = False
        with trio.move_on_after(ESCAPE_S if keys.is_waiting else float("inf")):
            await trio.lowlevel.wait_readable(sys.stdin.fileno())
            ready = True
        data = os.read(sys.stdin.fileno(), 4096) if ready else b""
        if ready and not data:
            return
        for key in keys.feed(data) if ready else keys.flush():
            yield key


def _write(text: str) -> None:
    data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


def _size() -> tuple[int, int]:
    size = shutil.get_terminal_size()
    return size.columns, size.lines


@contextmanager
def _raw_terminal() -> Generator[None]:
    """Keys as they are pressed, on a screen of our own; all is put back at the end."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        _write(_ENTER)
        yield
    finally:
        _write(_LEAVE)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
