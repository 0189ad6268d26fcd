"""What commands do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from attrs import define

from chatproto.client.rooms import Room as Handle
from chatproto.client.session import Session
from chatproto.client.terminal.commands import COMMANDS, Command
from chatproto.client.terminal.screen import View
from chatproto.errors import LocalError
from chatproto.ids import EventId, RoomId, UserId, parse_user_id
from chatproto.operations.account_data import SetRoomAccountData
from chatproto.operations.profiles import SetPresence
from chatproto.operations.rooms import (
    CreateRoom,
    Invite,
    JoinByIdOrAlias,
    LeaveRoom,
    OpenDirectChat,
)
from chatproto.sync.items import TimelineItem
from chatproto.sync.room import MUTED, Room


@define(eq=False)
class Actions:
    """Carries out commands in the room that is shown."""

    session: Session
    view: View
    quit: Callable[[], None]

    async def run(self, command: Command) -> None:
        """Raises MatrixError, LocalError."""
        await _ACTIONS[command.name](self, command)

    @property
    def room(self) -> Room:
        room = self.session.state.rooms.get(self.view.room_id or RoomId(""))
        if room is None:
            raise LocalError("no chat is open")
        return room

    @property
    def handle(self) -> Handle:
        return Handle(self.session, self.room.room_id)

    def item(self, number: int | None, *, own: bool) -> TimelineItem:
        """Message `number`, or the newest of one's own or of another."""
        room, user_id = self.room, self.session.user_id
        items = [
            item
            for item in room.items(self.session.state.outbox.entries(room.room_id))
            if item.state_key is None and not item.redacted
        ]
        if number is not None:
            items = [item for item in items if item.seq == number]
        else:
            items = [item for item in items if (item.sender == user_id) == own]
        if not items:
            raise LocalError("there is no such message here")
        return items[-1]

    def event_id(self, number: int | None, *, own: bool) -> EventId:
        event_id = self.item(number, own=own).event_id
        if event_id is None:
            raise LocalError("this message has not been sent yet")
        return event_id

    def show(self, room_id: RoomId) -> None:
        self.view.room_id, self.view.scroll, self.view.panel = room_id, 0, ()

    # one for each command

    async def me(self, command: Command) -> None:
        await self.handle.send_text(_needed(command.text), msgtype="m.emote")

    async def reply(self, command: Command) -> None:
        target = self.event_id(command.number, own=False)
        await self.handle.send_text(_needed(command.text), reply_to=target)

    async def edit(self, command: Command) -> None:
        item = self.item(command.number, own=True)
        content = {"msgtype": "m.text", "body": _needed(command.text)}
        target = item.event_id or item.txn_id
        assert target is not None, "a row has one of them"
        await self.session.edit(self.room.room_id, target, content)

    async def delete(self, command: Command) -> None:
        item = self.item(command.number, own=True)
        target = item.event_id or item.txn_id
        assert target is not None, "a row has one of them"
        await self.session.redact(self.room.room_id, target)

    async def react(self, command: Command) -> None:
        target = self.event_id(command.number, own=False)
        await self.handle.react(target, _needed(command.text))

    async def join(self, command: Command) -> None:
        name = command.text or self.room.room_id
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
        await self.session.call(LeaveRoom(room_id=self.room.room_id))
        self.view.room_id = None

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
        keys = (
            "Tab, Shift-Tab (Ctrl-N, Ctrl-P): another chat",
            "Page up, page down: older and newer messages",
            "Up, in an empty line: change your newest message",
            "Esc: back",
        )
        self.view.panel = (*COMMANDS.values(), "", *keys)

    async def leave_program(self, _command: Command) -> None:
        self.quit()

    def _user(self, text: str) -> UserId:
        name = _needed(text)
        if ":" not in name:
            server = self.session.user_id.partition(":")[2]
            name = f"@{name.removeprefix('@')}:{server}"
        return parse_user_id(name)


_ACTIONS: Mapping[str, Callable[[Actions, Command], Awaitable[None]]] = {
    "me": Actions.me,
    "reply": Actions.reply,
    "edit": Actions.edit,
    "delete": Actions.delete,
    "react": Actions.react,
    "join": Actions.join,
    "create": Actions.create,
    "dm": Actions.dm,
    "invite": Actions.invite,
    "leave": Actions.leave,
    "status": Actions.status,
    "mute": Actions.mute,
    "help": Actions.help,
    "quit": Actions.leave_program,
}


def _needed(text: str) -> str:
    if not text:
        raise LocalError("say also what; /help shows how")
    return text
