"""What a line does that somebody has entered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from attrs import define

from chatproto.client.rooms import Room as Handle
from chatproto.client.session import Session, new_txn
from chatproto.client.terminal.commands import COMMANDS, Command, parse, plain
from chatproto.client.terminal.screen import View
from chatproto.client.terminal.words import changed_content, is_text
from chatproto.errors import LocalError
from chatproto.ids import EventId, RoomId, TxnId, UserId, parse_user_id
from chatproto.operations.account_data import SetRoomAccountData
from chatproto.operations.profiles import SetPresence
from chatproto.operations.rooms import (
    CreateRoom,
    Invite,
    JoinByIdOrAlias,
    LeaveRoom,
    OpenDirectChat,
)
from chatproto.sync.chat_list import order
from chatproto.sync.items import TimelineItem
from chatproto.sync.outbox import FAILED, Outgoing
from chatproto.sync.room import MUTED, Room

HELP = (
    *COMMANDS.values(),
    "",
    "N is the number before a message.",
    "Tab, Shift-Tab (Ctrl-N, Ctrl-P): another chat",
    "Page up, page down: older and newer messages",
    "Up, in an empty line: change your newest message",
    "Esc: back",
)


@define(eq=False)
class Actions:
    """Carries out what was entered while `room_id` was shown.

    `show` goes to a room or, with None, to the first; `leave` ends the program.
    """

    session: Session
    view: View
    room_id: RoomId | None
    show: Callable[[RoomId | None], None]
    leave_program: Callable[[], None]

    async def say(self, line: str, editing: EventId | TxnId | None) -> None:
        """Do what a line says. Raises MatrixError, LocalError, Disconnected."""
        command = parse(line)
        if command is not None:
            await _ACTIONS[command.name](self, command)
        elif editing is not None:
            await self._edit(editing, plain(line))
        else:
            await self._send(plain(line))

    @property
    def room(self) -> Room:
        room = self.session.state.rooms.get(self.room_id or RoomId(""))
        if room is None:
            raise LocalError("no chat is open")
        return room

    def items(self) -> list[TimelineItem]:
        """The messages of the room that are still there."""
        room = self.room
        items = room.items(self.session.state.outbox.entries(room.room_id))
        return [i for i in items if i.state_key is None and not i.redacted]

    def item(self, number: int | None, *, own: bool) -> TimelineItem:
        """Message `number`, or the newest of one's own or of another."""
        if number is not None:
            found = [item for item in self.items() if item.seq == number]
        else:
            me = self.session.user_id
            found = [item for item in self.items() if (item.sender == me) == own]
        if not found:
            raise LocalError("there is no such message here")
        return found[-1]

    def newest_own_text(self) -> TimelineItem | None:
        """What the up key changes."""
        me = self.session.user_id
        own = [item for item in self.items() if item.sender == me and is_text(item)]
        return own[-1] if own else None

    # one for each command

    async def me(self, command: Command) -> None:
        await self._send(_needed(command.text), msgtype="m.emote")

    async def reply(self, command: Command) -> None:
        target = self._target(command)
        await self._send(_needed(command.text), reply_to=target)

    async def edit(self, command: Command) -> None:
        if command.number is None:
            item = self.newest_own_text()
        else:
            item = self.item(command.number, own=True)
        if item is None or not is_text(item):
            raise LocalError("there is no text of yours to change")
        await self._edit(_id_of(item), _needed(command.text))

    async def delete(self, command: Command) -> None:
        item = self.item(command.number, own=True)
        await self.session.redact(self.room.room_id, _id_of(item))

    async def react(self, command: Command) -> None:
        target = self._target(command)
        await self._handle.react(target, _needed(command.text))

    async def retry(self, _command: Command) -> None:
        for entry in self._refused():
            self.session.retry(entry.txn_id)

    async def drop(self, _command: Command) -> None:
        for entry in self._refused():
            self.session.cancel(entry.txn_id)

    async def join(self, command: Command) -> None:
        name = command.text or self.room_id
        if name is None:
            raise LocalError("say also where; /help shows how")
        joined = await self.session.call(JoinByIdOrAlias(id_or_alias=name))
        self.show(joined.room_id)

    async def create(self, command: Command) -> None:
        made = await self.session.call(CreateRoom(name=_needed(command.text)))
        self.show(made.room_id)

    async def dm(self, command: Command) -> None:
        user_id = self._user(command.text)
        self.show((await self.session.call(OpenDirectChat(user_id=user_id))).room_id)

    async def invite(self, command: Command) -> None:
        user_id = self._user(command.text)
        await self.session.call(Invite(room_id=self.room.room_id, user_id=user_id))

    async def leave(self, _command: Command) -> None:
        left = self.room.room_id
        await self.session.call(LeaveRoom(room_id=left))
        ids = order(self.session.state.rooms.values())
        self.show(next((room_id for room_id in ids if room_id != left), None))

    async def status(self, command: Command) -> None:
        request = SetPresence(
            user_id=self.session.user_id,
            presence="online",
            status_msg=command.text,
        )
        await self.session.call(request)

    async def mute(self, _command: Command) -> None:
        request = SetRoomAccountData(
            user_id=self.session.user_id,
            room_id=self.room.room_id,
            type=MUTED,
            content={"muted": not self.room.is_muted},
        )
        await self.session.call(request)

    async def help(self, _command: Command) -> None:
        self.view.panel = HELP

    async def quit(self, _command: Command) -> None:
        self.leave_program()

    # with what they have in common

    @property
    def _handle(self) -> Handle:
        return Handle(self.session, self.room.room_id)

    async def _send(
        self, text: str, *, msgtype: str = "m.text", reply_to: EventId | None = None
    ) -> None:
        txn = TxnId(new_txn())
        event_id = await self._handle.send_text(
            text, msgtype=msgtype, reply_to=reply_to, txn=txn
        )
        if self.view.editing == txn:  # it was sent while being changed
            self.view.editing = event_id

    async def _edit(self, target: EventId | TxnId, text: str) -> None:
        found = [i for i in self.items() if target in (i.event_id, i.txn_id)]
        if not found:
            raise LocalError("the message to change is gone")
        content = changed_content(found[-1], text)
        await self.session.edit(self.room.room_id, target, content)

    def _target(self, command: Command) -> EventId:
        event_id = self.item(command.number, own=False).event_id
        if event_id is None:
            raise LocalError("this message has not been sent yet")
        return event_id

    def _refused(self) -> list[Outgoing]:
        entries = self.session.state.outbox.entries(self.room.room_id)
        refused = [entry for entry in entries if entry.status == FAILED]
        if not refused:
            raise LocalError("nothing was refused here")
        return refused

    def _user(self, text: str) -> UserId:
        name = _needed(text)
        if ":" not in name:
            server = self.session.user_id.partition(":")[2]
            name = f"@{name.removeprefix('@')}:{server}"
        return parse_user_id(name)


def is_queued(line: str) -> bool:
    """Whether a line, once it is understood, waits to be sent and is shown so."""
    command = parse(line)
    return command is None or command.name in ("me", "reply", "edit", "delete", "react")


def _id_of(item: TimelineItem) -> EventId | TxnId:
    target = item.event_id or item.txn_id
    assert target is not None, "a row has one of them"
    return target


def _needed(text: str) -> str:
    if not text:
        raise LocalError("say also what; /help shows how")
    return text


_ACTIONS: Mapping[str, Callable[[Actions, Command], Awaitable[None]]] = {
    name: getattr(Actions, name) for name in COMMANDS
}
