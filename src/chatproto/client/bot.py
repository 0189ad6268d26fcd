"""Bots: commands and events to handlers, on a session that keeps itself up.

Each handler runs as a task of its own; what goes wrong in one is logged, answered with
a few words, and stops nothing. A bot sees what comes from now on, and never itself.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import trio

from chatproto.canonical import JsonObject
from chatproto.client.dialogue import Dialogues, NoAnswer, State
from chatproto.client.groups import errors_in
from chatproto.client.invitations import Invitations
from chatproto.client.message import Message, command_in, is_said
from chatproto.client.router import Command, Filter, Handler, Router, everything
from chatproto.client.running import Running
from chatproto.client.session import Session, connect
from chatproto.errors import ChatprotoError, LocalError
from chatproto.ids import RoomId, UserId
from chatproto.module import Module

_log = logging.getLogger(__name__)

HELP, CANCEL = "help", "cancel"
LINGER_S = 5.0  # what running handlers get to finish when the bot stops
KEEP_EVENTS = 1_000  # a bot runs for long
FLUSH_S = 5.0  # and then what is said already, to be sent


class Bot(Router):
    """A program that takes part in chats."""

    def __init__(
        self,
        url: str = "",
        *,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        autojoin: bool = True,
        modules: Sequence[Module] = (),
        **options: Any,
    ) -> None:
        """`modules` are those of the server; `options` go to `connect`.

        Of each room a bot keeps the newest thousand events, unless told otherwise.
        """
        super().__init__()
        self.autojoin = autojoin
        self.modules = tuple(modules)
        self.running = Running()
        self._environment: Mapping[str, str] | None = None
        self._options: dict[str, Any] = {
            "url": url,
            "token": token,
            "user": user,
            "password": password,
            "keep_events": KEEP_EVENTS,
            **options,
        }
        self._dialogues = Dialogues()
        self._stopping = trio.Event()
        self._is_serving = False

    @classmethod
    def from_env(
        cls, environment: Mapping[str, str] = os.environ, **options: Any
    ) -> Bot:
        """A bot by CHATPROTO_URL and CHATPROTO_TOKEN, or _USER and _PASSWORD.

        They are read when the bot starts, so that it can be tested without them.
        """
        bot = cls(**options)
        bot._environment = environment
        return bot

    def connect(self, **options: Any) -> AbstractAsyncContextManager[Session]:
        """The bot's session; `options` go before its own.

        Raises LocalError if the environment does not say where and who, and what
        `connect` does.
        """
        known: dict[str, Any] = {**self._options, "modules": self.modules}
        if self._environment is not None and "url" not in options:
            known |= _settings(self._environment)
        return connect(**{**known, **options})

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; ends the program with a line if it cannot."""
        try:
            trio.run(self._run)
        except* (ChatprotoError, OSError) as group:
            sys.exit(f"the bot has ended: {next(errors_in(group))}")

    def stop(self) -> None:
        """Hear nothing more, let handlers finish, send what is said, and end."""
        self._stopping.set()

    async def serve(
        self,
        *,
        task_status: trio.TaskStatus[Session] = trio.TASK_STATUS_IGNORED,
        **options: Any,
    ) -> None:
        """Serve until stopped or cancelled; `task_status` reports the session.

        `options` go before the bot's own options for `connect`.
        """
        async with self.connect(**options) as session:
            try:
                async with trio.open_nursery() as handlers:
                    await self._listen(session, handlers, task_status)
                    self._dialogues.cancel_all()
                    handlers.cancel_scope.deadline = trio.current_time() + LINGER_S
                with trio.move_on_after(FLUSH_S):
                    await session.flush()
            finally:
                self._is_serving = False
                self._stopping = trio.Event()

    async def ask(
        self, message: Message, question: str, wanted: Filter, timeout_s: float
    ) -> Message:
        """See `Message.ask`."""
        key = message.room.room_id, message.sender
        with self._dialogues.asking(*key, question, wanted) as asked:
            await message.reply(question)
            with self.running.waiting():
                return await asked.wait(timeout_s)

    async def next_message(
        self, room_id: RoomId, sender: UserId, *, timeout_s: float = math.inf
    ) -> Message:
        """The next message of a user in a room, which then reaches no other handler.

        Raises NoAnswer.
        """
        with (
            self._dialogues.asking(room_id, sender, "", everything) as asked,
            self.running.waiting(),
        ):
            return await asked.wait(timeout_s)

    async def _run(self, **options: Any) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._stop_on, signals, nursery.cancel_scope)
                await self.serve(**options)
                nursery.cancel_scope.cancel()

    async def _stop_on(
        self, signals: AsyncIterator[int], everything: trio.CancelScope
    ) -> None:
        """Stop gently at the first signal, at once at the second."""
        async for _ in signals:
            if not self._is_serving or self._stopping.is_set():
                everything.cancel()
            self.stop()

    # what comes in

    async def _listen(
        self,
        session: Session,
        handlers: trio.Nursery,
        task_status: trio.TaskStatus[Session],
    ) -> None:
        """Start handlers for what comes, until the bot is to stop."""
        events = session.subscribe()
        invitations = Invitations(session, handlers, self.running)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._take_events, session, events, handlers)
            if self.autojoin:
                nursery.start_soon(invitations.accept)
            self._is_serving = True
            task_status.started(session)
            await self._stopping.wait()
            nursery.cancel_scope.cancel()

    async def _take_events(
        self,
        session: Session,
        events: trio.MemoryReceiveChannel[JsonObject],
        handlers: trio.Nursery,
    ) -> None:
        while True:
            with events:
                async for event in events:
                    if event["sender"] != session.user_id:
                        self._dispatch(session, event, handlers)
            _log.warning("the bot is far behind; some events are left out")
            events = session.subscribe()
            await trio.lowlevel.checkpoint()

    def _dispatch(
        self, session: Session, event: JsonObject, nursery: trio.Nursery
    ) -> None:
        for event_type, wanted, handler in self.events:
            if event_type == event["type"] and wanted(event):
                self._start(nursery, None, handler, session, event)
        if is_said(event):
            self._message(Message(bot=self, session=session, event=event), nursery)

    def _message(self, message: Message, nursery: trio.Nursery) -> None:
        name, rest = command_in(message.text)
        room_id, sender = message.room.room_id, message.sender
        question = self._dialogues.question(room_id, sender)
        if question is not None and name == CANCEL:
            question.cancel()
        elif name == HELP and HELP not in self.commands:
            self._start(nursery, message, message.reply, self.help())
        elif name in self.commands and self.commands[name].wanted(message):
            self._command(message, self.commands[name], rest, nursery)
        elif question is not None:
            question.answered(message)
            if question.state is State.ASKED:
                self._start(nursery, message, message.reply, question.prompt)
        else:
            for wanted, handler in self.messages:
                if wanted(message):
                    self._start(nursery, message, handler, message)

    def _command(
        self, message: Message, command: Command, rest: str, nursery: trio.Nursery
    ) -> None:
        try:
            arguments = command.arguments(command.words(rest))
        except ValueError as error:
            self._start(nursery, message, message.reply, str(error))
        else:
            self._start(nursery, message, command.handler, message, *arguments)

    # handlers

    def _start(
        self,
        nursery: trio.Nursery,
        message: Message | None,
        handler: Callable[..., Awaitable[Any]],
        *arguments: Any,
    ) -> None:
        self.running.begin()
        nursery.start_soon(self._guarded, message, handler, *arguments)

    async def _guarded(
        self,
        message: Message | None,
        handler: Callable[..., Awaitable[Any]],
        *arguments: Any,
    ) -> None:
        try:
            await handler(*arguments)
        except NoAnswer as end:
            await self._say(message, str(end))
        except Exception:  # noqa: BLE001  # a handler's mistake must not end the bot
            _log.exception("a handler failed")
            await self._say(message, "Sorry, that did not work.")
        finally:
            self.running.end()

    async def _say(self, message: Message | None, text: str) -> None:
        if message is None:
            return
        try:
            await message.reply(text)
        except ChatprotoError:
            _log.exception("could not even say so")


def _settings(environment: Mapping[str, str]) -> dict[str, str | None]:
    url = environment.get("CHATPROTO_URL")
    token = environment.get("CHATPROTO_TOKEN")
    user = environment.get("CHATPROTO_USER")
    if not url or not (token or user):
        raise LocalError(
            "set CHATPROTO_URL, and CHATPROTO_TOKEN or CHATPROTO_USER and "
            "CHATPROTO_PASSWORD",
        )
    password = environment.get("CHATPROTO_PASSWORD")
    return {"url": url, "token": token, "user": user, "password": password}


__all__ = ["Bot", "Command", "Filter", "Handler", "Message", "NoAnswer", "Router"]
