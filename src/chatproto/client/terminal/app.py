"""The chat client at work: keys and news in, screens out."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import trio

from chatproto.client.session import Session
from chatproto.client.terminal import console
from chatproto.client.terminal.actions import Actions, is_queued
from chatproto.client.terminal.attention import Attention
from chatproto.client.terminal.editor import Editor
from chatproto.client.terminal.keys import Key, Press
from chatproto.client.terminal.screen import Screen, View, paint, render
from chatproto.client.terminal.status import unsent
from chatproto.client.terminal.tasks import Tasks
from chatproto.client.terminal.words import body_of
from chatproto.client.transport import Disconnected
from chatproto.errors import ChatprotoError, LocalError
from chatproto.ids import EventId, RoomId, TxnId
from chatproto.sync.changes import Resynced
from chatproto.sync.chat_list import order
from chatproto.sync.room import Room

FRAME_S = 0.02  # news that come together are painted together
TICK_S = 1.0
FORGET_S = 60.0


async def chat(session: Session, room_id: RoomId | None) -> None:
    """Chat on the terminal until the person leaves."""
    with console.raw_terminal():
        await App(session, room_id).run()


class App:
    """One person at one terminal. `write` takes what is to be shown."""

    def __init__(
        self,
        session: Session,
        room_id: RoomId | None = None,
        *,
        write: Callable[[str], None] = console.write,
        keys: Callable[[], AsyncGenerator[Key]] = console.pressed_keys,
        size: Callable[[], tuple[int, int]] = console.size,
    ) -> None:
        self.session = session
        self.view = View(room_id=room_id)
        self._write = write
        self._keys = keys
        self._size = size
        self._tasks = Tasks(self._task_ended)
        self._attention = Attention(session, self._tasks.start)
        self._painted: Screen | None = None
        self._dirty = trio.Event()
        self._warned_of = 0
        self._nursery: trio.Nursery

    async def run(self) -> None:
        async with trio.open_nursery() as self._nursery:
            self.show(self.view.room_id)
            for work in (
                self._follow,
                self._tick,
                self._paint,
                self._hear_signals,
                self._tasks.run,
            ):
                self._nursery.start_soon(work)
            async with aclosing(self._keys()) as keys:
                async for key in keys:
                    self._press(key)
                    self._dirty.set()
            self._nursery.cancel_scope.cancel()

    def leave(self) -> None:
        """End, or first say that something would be lost."""
        count = unsent(self.session.state)
        if count and count != self._warned_of:
            self._warned_of = count
            self.view.notice = f"not sent yet: {count}; again to leave all the same"
        else:
            self._nursery.cancel_scope.cancel()

    def show(self, room_id: RoomId | None) -> None:
        """Go to a room, or to the first; what was being written is kept."""
        view = self.view
        if room_id is None:
            room_id = self._first()
        if view.room_id is not None:
            if view.editing is None:
                view.drafts[view.room_id] = view.editor.text
            view.editor = Editor.of(view.drafts.pop(room_id, "") if room_id else "")
        view.room_id, view.editing, view.panel = room_id, None, ()
        view.scroll, view.anchor = 0, None
        self._attention.stopped()

    def _first(self) -> RoomId | None:
        return next(iter(order(self.session.state.rooms.values())), None)

    @property
    def _room(self) -> Room | None:
        return self.session.state.rooms.get(self.view.room_id or RoomId(""))

    def _task_ended(self, refusal: ChatprotoError | None) -> None:
        if refusal is not None:
            self.view.notice = str(refusal)
        self._dirty.set()

    # what makes the screen change

    async def _follow(self) -> None:
        async for changes in self.session.changes():
            if any(isinstance(change, Resynced) for change in changes):
                self._attention.forget()
            self._dirty.set()

    async def _tick(self) -> None:
        """The connection comes and goes without being a change of the state."""
        forget_at = trio.current_time() + FORGET_S
        while True:
            await trio.sleep(TICK_S)
            if trio.current_time() >= forget_at and not self.view.scroll:
                self._attention.forget()
                forget_at = trio.current_time() + FORGET_S
            self._dirty.set()

    async def _hear_signals(self) -> None:
        heard = (signal.SIGWINCH, signal.SIGTERM, signal.SIGHUP)
        with trio.open_signal_receiver(*heard) as signals:
            async for number in signals:
                if number != signal.SIGWINCH:
                    self._nursery.cancel_scope.cancel()
                self._painted = None
                self._dirty.set()

    async def _paint(self) -> None:
        while True:
            self._dirty = trio.Event()
            view = self.view
            if view.room_id is None and self._first() is not None:
                self.show(None)
            view.is_connected = self.session.is_connected
            screen = render(self.session.state, view, *self._size())
            if screen != self._painted:
                clear = "" if self._painted else "\x1b[2J"
                self._write(clear + paint(self._painted, screen))
                self._painted = screen
            view.scroll, view.anchor = screen.scroll, screen.anchor
            self._attend(screen)
            await trio.sleep(FRAME_S)
            await self._dirty.wait()

    def _attend(self, screen: Screen) -> None:
        room = self._room
        if room is None or room.membership != "join" or not self.view.is_connected:
            return
        if screen.missing is not None:
            self._attention.missed(room.room_id, screen.missing)
        if not screen.scroll and not self.view.panel:
            self._attention.shown(room)

    # keys

    def _press(self, key: Key) -> None:
        self.view.notice = ""
        name = key.name if isinstance(key, Press) else ""
        action = _KEYS.get(name)
        if action is not None:
            action(self)
        elif name == "up" and not self.view.editor.text:
            self._edit_newest()
        else:
            before = self.view.editor
            self.view.editor = before.pressed(key)
            room = self._room
            if room is not None and self.view.editor.text != before.text:
                self._attention.written(room, self.view.editor.text)

    def _enter(self) -> None:
        view = self.view
        line, editing = view.editor.text.strip(), view.editing
        view.editor, view.editing, view.panel = Editor(), None, ()
        view.scroll, view.anchor = 0, None
        self._attention.stopped()
        if line:
            self._tasks.start(self._say, line, editing, view.room_id)

    async def _say(
        self, line: str, editing: EventId | TxnId | None, room_id: RoomId | None
    ) -> None:
        try:
            await self._actions(room_id).say(line, editing)
        except LocalError:
            self._give_back(line, editing, room_id)
            raise
        except Disconnected:
            if is_queued(line):
                raise
            self.view.notice = "the connection was lost; see whether it was done"
        except ChatprotoError:
            if not is_queued(line):
                self._give_back(line, editing, room_id)
            raise

    def _give_back(
        self, line: str, editing: EventId | TxnId | None, room_id: RoomId | None
    ) -> None:
        """What could not be done is there again, to be changed and tried anew."""
        if self.view.room_id == room_id and not self.view.editor.text:
            self.view.editor, self.view.editing = Editor.of(line), editing
        elif room_id is not None and self.view.room_id != room_id:
            self.view.drafts[room_id] = self.view.drafts.get(room_id) or line

    def _actions(self, room_id: RoomId | None) -> Actions:
        return Actions(self.session, self.view, room_id, self.show, self.leave)

    def _escape(self) -> None:
        view = self.view
        if view.editing is not None:
            view.editor, view.editing = Editor(), None
            self._attention.stopped()
        view.panel, view.scroll, view.anchor = (), 0, None

    def _edit_newest(self) -> None:
        item = None
        if self._room is not None:
            item = self._actions(self.view.room_id).newest_own_text()
        if item is None:
            self.view.notice = "there is no text of yours to change"
        else:
            self.view.editing = item.event_id or item.txn_id
            self.view.editor = Editor.of(body_of(item))

    def _redraw(self) -> None:
        self._painted = None

    def _move(self, pages: float) -> None:
        height = self._size()[1] - 3
        self.view.scroll = max(0, self.view.scroll + int(pages * height))
        self.view.anchor = None

    def _step(self, by: int) -> None:
        ids = order(self.session.state.rooms.values())
        if ids:
            shown = self.view.room_id
            at = -by if shown is None or shown not in ids else ids.index(shown)
            self.show(ids[(at + by) % len(ids)])

    def _end(self) -> None:
        if not self.view.editor.text:
            self.leave()


_KEYS: dict[str, Callable[[App], None]] = {
    "enter": App._enter,
    "esc": App._escape,
    "page-up": lambda app: app._move(0.5),
    "page-down": lambda app: app._move(-0.5),
    "tab": lambda app: app._step(1),
    "ctrl-n": lambda app: app._step(1),
    "shift-tab": lambda app: app._step(-1),
    "ctrl-p": lambda app: app._step(-1),
    "ctrl-c": App.leave,
    "ctrl-d": App._end,
    "ctrl-l": App._redraw,
}
