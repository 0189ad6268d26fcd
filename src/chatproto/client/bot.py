"""Bots: commands and events to handlers, on a session that keeps itself up.

Each handler runs as a task of its own; what goes wrong in one is logged, answered with
a few words, and stops nothing. A bot sees what comes from now on, and never itself.
"""

from __future__ import annotations

import inspect
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import trio
from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.client.rooms import Room
from chatproto.client.session import Session, connect
from chatproto.errors import ChatprotoError, LocalError, MatrixError
from chatproto.ids import EventId, RoomId, UserId
from chatproto.operations.declare import OperationTable
from chatproto.operations.rooms import JoinRoom
from chatproto.operations.table import OPERATIONS

_log = logging.getLogger(__name__)

Handler: TypeAlias = Callable[..., Awaitable[None]]
Filter: TypeAlias = Callable[["Message"], bool]

PREFIXES = ("!", "/")
LINGER_S = 5.0  # what running handlers get to finish when the bot stops


@frozen(kw_only=True)
class Message:
    """A message in a room that the bot is in."""

    bot: Bot
    session: Session
    event: JsonObject

    @property
    def room(self) -> Room:
        return Room(self.session, RoomId(self.event["room_id"]))

    @property
    def sender(self) -> UserId:
        return UserId(self.event["sender"])

    @property
    def event_id(self) -> EventId:
        return EventId(self.event["event_id"])

    @property
    def text(self) -> str:
        return str(self.event["content"].get("body", ""))

    async def reply(self, text: str) -> EventId:
        """Answer as a reply. A notice, so that bots do not answer each other."""
        return await self.room.send_text(
            text,
            reply_to=self.event_id,
            msgtype="m.notice",
        )

    async def react(self, key: str) -> EventId:
        return await self.room.react(self.event_id, key)

    async def ask(self, question: str, *, timeout_s: float = 300) -> Message:
        """Ask, and wait for the next message of the same user in the room.

        Raises trio.TooSlowError if none comes in time.
        """
        await self.reply(question)
        with trio.fail_after(timeout_s):
            return await self.bot.next_message(self.room.room_id, self.sender)


@frozen
class Command:
    """A handler called by a word, with its arguments read by their annotations."""

    name: str
    handler: Handler

    @property
    def usage(self) -> str:
        shown = [f"[{p.name}]" if _optional(p) else p.name for p in self._parameters()]
        return " ".join([f"!{self.name}", *shown])

    @property
    def help(self) -> str:
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    def arguments(self, words: list[str]) -> list[Any]:
        """Raises ValueError, naming the argument."""
        parameters = self._parameters()
        if len(words) > len(parameters) and parameters and _kind(parameters[-1]) is str:
            rest = " ".join(words[len(parameters) - 1 :])
            words = [*words[: len(parameters) - 1], rest]
        needed = sum(not _optional(parameter) for parameter in parameters)
        if not needed <= len(words) <= len(parameters):
            raise ValueError(f"it takes {self.usage}")
        return [_read(p, w) for p, w in zip(parameters, words, strict=False)]

    def _parameters(self) -> list[inspect.Parameter]:
        signature = inspect.signature(self.handler, eval_str=True)
        return list(signature.parameters.values())[1:]


@define(eq=False)
class Router:
    """Handlers that a bot can include."""

    commands: dict[str, Command] = field(factory=dict)
    messages: list[tuple[Filter, Handler]] = field(factory=list)
    events: list[tuple[str, Handler]] = field(factory=list)

    def command(self, name: str) -> Callable[[Handler], Handler]:
        """Call a handler for `!name`. Raises LocalError if the name is taken."""

        def add(handler: Handler) -> Handler:
            if name in self.commands:
                raise LocalError(f"there is a command {name!r} already")
            self.commands[name] = Command(name, handler)
            return handler

        return add

    def message(
        self, wanted: Filter = lambda _message: True
    ) -> Callable[[Handler], Handler]:
        """Call a handler for each message that passes a filter and is no command."""

        def add(handler: Handler) -> Handler:
            self.messages.append((wanted, handler))
            return handler

        return add

    def on(self, event_type: str) -> Callable[[Handler], Handler]:
        """Call a handler with (session, event) for each event of a type."""

        def add(handler: Handler) -> Handler:
            self.events.append((event_type, handler))
            return handler

        return add

    def include(self, other: Router) -> None:
        """Take over another router's handlers. Raises LocalError for a name taken."""
        for name, command in other.commands.items():
            self.command(name)(command.handler)
        self.messages += other.messages
        self.events += other.events


class Bot(Router):
    """A program that takes part in chats."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        autojoin: bool = True,
        operations: OperationTable = OPERATIONS,
        **options: Any,
    ) -> None:
        super().__init__()
        self._connect: dict[str, Any] = {
            "url": url,
            "token": token,
            "user": user,
            "password": password,
            "operations": operations,
            **options,
        }
        self.autojoin = autojoin
        self._joining: set[RoomId] = set()
        self._asked: dict[tuple[str, str], trio.MemorySendChannel[Message]] = {}

    @classmethod
    def from_env(
        cls, environment: Mapping[str, str] = os.environ, **options: Any
    ) -> Bot:
        """A bot by CHATPROTO_URL and CHATPROTO_TOKEN, or _USER and _PASSWORD.

        Raises LocalError if they are not set.
        """
        url = environment.get("CHATPROTO_URL")
        token = environment.get("CHATPROTO_TOKEN")
        user = environment.get("CHATPROTO_USER")
        if not url or not (token or user):
            raise LocalError(
                "set CHATPROTO_URL, and CHATPROTO_TOKEN or CHATPROTO_USER and "
                "CHATPROTO_PASSWORD",
            )
        password = environment.get("CHATPROTO_PASSWORD")
        return cls(url, token=token, user=user, password=password, **options)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; ends the program with a line if it cannot."""
        try:
            trio.run(self._run)
        except* (ChatprotoError, OSError) as group:
            sys.exit(f"the bot has ended: {_first(group)}")

    async def serve(
        self,
        *,
        task_status: trio.TaskStatus[Session] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until cancelled; `task_status` reports the session."""
        async with connect(**self._connect) as session, trio.open_nursery() as nursery:
            self._join_invited(session, nursery)
            nursery.start_soon(self._watch_invitations, session, nursery)
            events = session.subscribe()
            task_status.started(session)
            async for event in events:
                if event["sender"] != session.user_id:
                    self._dispatch(session, event, nursery)

    async def next_message(self, room_id: RoomId, sender: UserId) -> Message:
        """The next message of a user in a room, which then reaches no other handler."""
        send, receive = trio.open_memory_channel[Message](1)
        self._asked[room_id, sender] = send
        try:
            return await receive.receive()
        finally:
            self._asked.pop((room_id, sender), None)

    async def _run(self) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self.serve)
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                async for _ in signals:
                    break
            nursery.cancel_scope.deadline = trio.current_time() + LINGER_S
            nursery.cancel_scope.cancel()

    def _dispatch(
        self, session: Session, event: JsonObject, nursery: trio.Nursery
    ) -> None:
        for event_type, handler in self.events:
            if event_type == event["type"]:
                nursery.start_soon(self._guarded, None, handler, session, event)
        content = event["content"]
        if event["type"] != "m.room.message" or content.get("msgtype") == "m.notice":
            return
        if content.get("m.relates_to", {}).get("rel_type") == "m.replace":
            return
        self._message(Message(bot=self, session=session, event=event), nursery)

    def _message(self, message: Message, nursery: trio.Nursery) -> None:
        asked = self._asked.pop((message.event["room_id"], message.sender), None)
        if asked is not None:
            asked.send_nowait(message)
            return
        name, _, rest = message.text[1:].partition(" ")
        if message.text.startswith(PREFIXES) and (
            name in self.commands or name == "help"
        ):
            nursery.start_soon(self._command, message, name, rest.split())
            return
        for wanted, handler in self.messages:
            if wanted(message):
                nursery.start_soon(self._guarded, message, handler, message)

    async def _command(self, message: Message, name: str, words: list[str]) -> None:
        if name not in self.commands:
            await self._guarded(message, message.reply, self._help())
            return
        command = self.commands[name]
        try:
            arguments = command.arguments(words)
        except ValueError as error:
            await self._guarded(message, message.reply, str(error))
            return
        await self._guarded(message, command.handler, message, *arguments)

    def _help(self) -> str:
        commands = sorted(self.commands.values(), key=lambda command: command.name)
        return "\n".join(
            f"{c.usage} - {c.help}" if c.help else c.usage for c in commands
        )

    async def _guarded(
        self,
        message: Message | None,
        handler: Callable[..., Awaitable[Any]],
        *arguments: Any,
    ) -> None:
        try:
            await handler(*arguments)
        except Exception:  # noqa: BLE001  # a handler's mistake must not end the bot
            _log.exception("a handler failed")
            if message is not None:
                await self._apologize(message)

    async def _apologize(self, message: Message) -> None:
        try:
            await message.reply("Sorry, that did not work.")
        except ChatprotoError:
            _log.exception("could not even say so")

    async def _watch_invitations(self, session: Session, nursery: trio.Nursery) -> None:
        async for _ in session.changes():
            self._join_invited(session, nursery)

    def _join_invited(self, session: Session, nursery: trio.Nursery) -> None:
        if self.autojoin:
            for room_id, room in session.state.rooms.items():
                if room.membership == "invite" and room_id not in self._joining:
                    self._joining.add(room_id)
                    nursery.start_soon(self._join, session, room_id)

    async def _join(self, session: Session, room_id: RoomId) -> None:
        try:
            await session.call(JoinRoom(room_id=room_id))
        except MatrixError as error:
            _log.warning("could not join %s: %s", room_id, error)
        finally:
            self._joining.discard(room_id)


def _kind(parameter: inspect.Parameter) -> Any:
    return (
        str if parameter.annotation is inspect.Parameter.empty else parameter.annotation
    )


def _optional(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty


def _read(parameter: inspect.Parameter, word: str) -> Any:
    try:
        return _kind(parameter)(word)
    except ValueError:
        kind = _kind(parameter).__name__
        raise ValueError(f"{parameter.name} is not a {kind}: {word!r}") from None


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
