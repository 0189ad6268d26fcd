"""A chat with a bot, without a server: the bot does not see a difference.

The engine is a real one in memory; bot and people are connected to it by sessions.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from chatproto.canonical import JsonObject
from chatproto.client.bot import Bot
from chatproto.client.groups import only_error
from chatproto.client.reconnect import Backoff
from chatproto.client.session import Session, connect
from chatproto.errors import LocalError
from chatproto.ids import DeviceId, EventId, RoomId
from chatproto.module import Module
from chatproto.operations.declare import Call
from chatproto.operations.rooms import CreateRoom, JoinRoom
from chatproto.server.engine import Engine
from chatproto.sync.items import TimelineItem
from chatproto.testing.clock import SeededRandom, TrioClock
from chatproto.testing.engine import full_id, log_in, open_engine, password_of
from chatproto.testing.network import MemoryTransport, StoredFile

R = TypeVar("R")

BOT = "bot"
PATIENCE_S = 5.0


@asynccontextmanager
async def bot_chat(
    bot: Bot,
    *,
    users: Sequence[str] = ("user",),
    modules: Sequence[Module] | None = None,
    patience_s: float = PATIENCE_S,
    seed: int = 0,
) -> AsyncGenerator[BotChat]:
    """Let a bot take part in a chat with `users`, for the time of the block.

    `modules` are those of the server, by default those of the bot. A handler that is
    at work for more than `patience_s` seconds fails the test with trio.TooSlowError;
    to test one that takes its time, use an autojump clock. The bot is stopped at the
    end as a signal would stop it.
    """
    given = bot.modules if modules is None else modules
    clock = TrioClock()
    try:
        async with (
            open_engine(BOT, *users, modules=given, clock=clock, seed=seed) as engine,
            AsyncExitStack() as people,
        ):
            chat = BotChat(bot, engine, tuple(given), patience_s, clock)
            for name in users:
                session = await people.enter_async_context(chat.connect(name))
                chat.sessions[name] = session
            async with trio.open_nursery() as chat.nursery:
                await chat.start()
                chat.room_id = await chat.open_room(users)
                yield chat
                await chat.stop()
    except BaseExceptionGroup as group:
        error = only_error(group)
    else:
        return
    raise error


@define(eq=False)
class BotChat:
    """A room in which people talk to a bot.

    `says`, `reacts`, `edits`, `sends` and `waits` each give what the bot has said
    meanwhile, as texts; `rows` shows all of the chat as a user sees it. `transport` is
    the bot's way to the server, which a test may cut.
    """

    bot: Bot
    engine: Engine
    modules: tuple[Module, ...]
    patience_s: float
    clock: TrioClock
    sessions: dict[str, Session] = field(factory=dict)
    room_id: RoomId = field(init=False)
    nursery: trio.Nursery = field(init=False)
    transport: MemoryTransport = field(init=False)
    _files: dict[str, StoredFile] = field(factory=dict)
    _seen: set[EventId] = field(factory=set)
    _ended: trio.Event = field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self.transport = MemoryTransport(self.engine, files=self._files)

    async def says(
        self, who: str, text: str, *, reply_to: EventId | None = None
    ) -> list[str]:
        """Somebody says something."""
        room = await self.sessions[who].room(self.room_id)
        await room.send_text(text, reply_to=reply_to)
        return await self.replies()

    async def reacts(self, who: str, key: str, to: EventId | None = None) -> list[str]:
        """Somebody reacts to a message, by default the bot's last one."""
        target = to or self.last(BOT).event_id
        assert target is not None
        room = await self.sessions[who].room(self.room_id)
        await room.react(target, key)
        return await self.replies()

    async def edits(self, who: str, text: str) -> list[str]:
        """Somebody edits what they said last."""
        target = self.last(who).event_id
        assert target is not None
        room = await self.sessions[who].room(self.room_id)
        await room.edit(target, text)
        return await self.replies()

    async def sends(self, who: str, event_type: str, content: JsonObject) -> list[str]:
        """Somebody sends an event of another type."""
        room = await self.sessions[who].room(self.room_id)
        await room.send(event_type, content)
        return await self.replies()

    async def calls(self, who: str, request: Call[R]) -> R:
        """Somebody calls an operation; the bot has reacted when this returns."""
        answer = await self.sessions[who].call(request)
        await self.settled()
        return answer

    async def waits(self, seconds: float) -> list[str]:
        """Nobody says anything for a while."""
        await trio.sleep(seconds)
        return await self.replies()

    async def replies(self) -> list[str]:
        """What the bot has said since this was asked last."""
        await self.settled()
        new = [row for row in self._said(BOT) if row.event_id not in self._seen]
        self._seen |= {row.event_id for row in new if row.event_id is not None}
        return [str(row.content.get("body", "")) for row in new]

    async def settled(self) -> None:
        """Wait until everybody knows what has happened, and no handler is at work."""
        with trio.fail_after(self.patience_s):
            await wait_all_tasks_blocked()
            await self.bot.running.settled()
        await wait_all_tasks_blocked()

    def rows(self, who: str | None = None) -> tuple[TimelineItem, ...]:
        """The messages of the chat as somebody sees them, with edits and reactions."""
        session = self.sessions[who] if who else next(iter(self.sessions.values()))
        rows = session.state.items(self.room_id)
        return tuple(row for row in rows if row.state_key is None)

    def last(self, who: str) -> TimelineItem:
        """The last message of a user, or of the bot (`BOT`). Raises LocalError."""
        said = self._said(who)
        if not said:
            raise LocalError(f"{who} has said nothing yet")
        return said[-1]

    # how it begins and ends

    async def start(self) -> None:
        """Start the bot, which must not be running."""
        self._ended = trio.Event()
        await self.nursery.start(self._serve, await self.options())

    async def stop(self) -> None:
        """Stop the bot as a signal would."""
        self.bot.stop()
        await self._ended.wait()

    async def open_room(self, users: Sequence[str]) -> RoomId:
        """Bring users together with the bot in a new room."""
        first, *others = users
        invited = tuple(full_id(self.engine, name) for name in (BOT, *others))
        request = CreateRoom(preset="private_chat", invite=invited)
        made = await self.sessions[first].call(request)
        for name in others:
            await self.sessions[name].call(JoinRoom(room_id=made.room_id))
        await self.settled()
        return made.room_id

    def connect(self, name: str) -> AbstractAsyncContextManager[Session]:
        """A session of one of the users."""
        return connect(
            "memory:",
            transport=MemoryTransport(self.engine, files=self._files),
            user=name,
            password=password_of(name),
            modules=self.modules,
            backoff=Backoff(SeededRandom().number),
            now_ms=self.clock.now_ms,
        )

    async def options(self) -> dict[str, Any]:
        """What makes a bot connect to this chat, as arguments of its `serve`."""
        return {
            "url": "memory:",
            "transport": self.transport,
            "token": await log_in(self.engine, BOT, DeviceId("BOT")),
            "tokens": None,
            "outbox": None,
            "backoff": Backoff(SeededRandom().number),
            "now_ms": self.clock.now_ms,
        }

    async def _serve(
        self, options: dict[str, Any], *, task_status: trio.TaskStatus[Session]
    ) -> None:
        try:
            await self.bot.serve(task_status=task_status, **options)
        finally:
            self._ended.set()

    def _said(self, who: str) -> list[TimelineItem]:
        sender = full_id(self.engine, who)
        return [
            row
            for row in self.rows()
            if row.sender == sender and row.type == "m.room.message"
        ]
