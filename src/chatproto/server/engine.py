"""The engine: a call is admitted, decided, committed, delivered, in that order.

Theory of operation. Between the moment a decision sees a room and the moment its
transaction is submitted nothing is awaited, so a room needs no lock: the next decision
sees the room as this one leaves it, though it may not be on the disk yet. The store
makes transactions durable in the order of submission and reports each batch on the
event loop; only then are they delivered and answered. If a batch fails, everything
submitted behind it fails with it and the rooms in memory are forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, TypeAlias, TypeVar

import trio
from attrs import evolve

from chatproto.canonical import dumps
from chatproto.decisions import (
    NO_NEEDS,
    Caller,
    Decides,
    Decision,
    EndSessions,
    Handler,
    Needs,
    Reads,
    SeenEvent,
    SetTypingUntil,
    SetUserPresence,
    View,
)
from chatproto.errors import MatrixError
from chatproto.events import DEFAULT_REGISTRY
from chatproto.events.registry import Registry
from chatproto.ids import EventId, RoomId, UserId
from chatproto.module import Module, Schedule
from chatproto.operations.codec import unstructure
from chatproto.operations.declare import Access, Call, Operation, OperationTable
from chatproto.operations.table import OPERATIONS
from chatproto.ports import Clock, KeyStore, Store, StoreTxn, Transaction
from chatproto.rooms.timeline import Timeline
from chatproto.server.callers import Callers
from chatproto.server.client_format import seen_by_clients
from chatproto.server.commit import Committer, Work
from chatproto.server.deliver import Delivery
from chatproto.server.handlers import HANDLERS
from chatproto.server.outcome import Outcome, RawReply
from chatproto.server.passwords import Argon2Hasher, PasswordHasher
from chatproto.server.positions import Position
from chatproto.server.presence import Ephemeral
from chatproto.server.rates import RateLimits
from chatproto.server.reading import Reading
from chatproto.server.rooms import RoomCache
from chatproto.server.settings import Settings
from chatproto.server.status import Status
from chatproto.server.streams import Streams
from chatproto.server.subscriptions import Reader, Subscriptions
from chatproto.server.tokens import Tickets
from chatproto.server.visible import Visible
from chatproto.server.waiter import Waiter

_log = logging.getLogger(__name__)

R = TypeVar("R")
Complete: TypeAlias = Callable[[Any, BaseException | None], None]

# More than this many transactions waiting for the disk: better to say so.
MAX_PENDING = 20_000


class Engine:
    """A server without sockets: calls in, answers and news out.

    Use it as `async with Engine.open(...)`; `call` answers a request.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store,
        clock: Clock,
        keys: KeyStore,
        random: Callable[[int], bytes],
        modules: Sequence[Module] = (),
        passwords: PasswordHasher | None = None,
    ) -> None:
        self.settings = settings
        self.server = settings.server_name
        self.store = store
        self.clock = clock
        self.random = random
        self.modules = tuple(modules)
        self.passwords: PasswordHasher = passwords or Argon2Hasher()
        self.operations = _operations(modules)
        self.registry = _registry(modules)
        self.handlers = _handlers(self.operations, modules)
        self.limits = RateLimits(settings.rates)
        self.tickets = Tickets()
        self.ephemeral = Ephemeral()
        self.cache = RoomCache(store)
        self.visible = Visible(store)
        self.streams = Streams(store, self.cache, self.ephemeral, self.visible)
        self.subscriptions = Subscriptions()
        self.delivery = Delivery(self.subscriptions, self.position)
        self.status = Status(
            self.ephemeral,
            self.delivery,
            self.subscriptions,
            clock,
        )
        key = keys.signing_key()
        rules = {kind: rule for m in modules for kind, rule in m.rules.items()}
        self._committer = Committer(self.server, key, self.registry, self.cache, rules)
        self._reactions = [
            (kind, react) for m in modules for kind, react in m.reactions.items()
        ]
        self._committed = 0
        self._boot = random(5).hex()
        self._once: dict[tuple[str, str, str, str], list[Complete]] = {}
        self._locks: dict[str, trio.Lock] = {}
        self._callers = Callers(store)
        self._nursery: trio.Nursery | None = None
        self._in_batch = False
        self._after_batch: dict[Callable[[], object], None] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, **ports: Any) -> AsyncGenerator[Engine]:
        """An engine that runs for the time of the block; the arguments are those of
        the class. Everything submitted has been committed when the block ends.
        """
        engine = cls(settings, **ports)
        async with AsyncExitStack() as stack:
            await engine.store.open(engine._on_commit)
            stack.push_async_callback(engine.store.aclose)
            for module in engine.modules:
                await engine.store.migrate(module.name, module.migrations)
            engine._committer.pos = engine._committed = await engine.store.last_pos()
            async with trio.open_nursery() as nursery:
                engine._nursery = nursery
                nursery.start_soon(engine.status.run)
                for module in engine.modules:
                    for schedule in module.schedules:
                        nursery.start_soon(engine._repeat, schedule)
                try:
                    yield engine
                finally:
                    nursery.cancel_scope.cancel()

    # calls

    async def call(self, caller: Caller, request: Call[R]) -> R:
        """Answer a request. Raises MatrixError."""
        handler = self.handlers[type(request)]
        if isinstance(handler, Reads):
            return await self.read(caller, request)  # type: ignore[no-any-return]
        finished = Outcome()
        await self.begin(caller, request, finished.set)
        return await finished.wait()  # type: ignore[no-any-return]

    async def read(self, caller: Caller, request: Call[Any]) -> Any:
        """Answer a request that changes nothing. Raises MatrixError."""
        operation = self.operations.of(request)
        handler = self.handlers[type(request)]
        assert isinstance(handler, Reads), operation.name
        self._admit(caller, operation)
        reading = Reading(self, caller, self.clock.now_ms())
        return await handler.read(reading, request)

    async def begin(self, caller: Caller, request: Call[Any], done: Complete) -> None:
        """Decide a request that changes something, and hand it to the disk.

        Returns once it has its place; `done(reply, error)` follows when it is durable,
        or at once with the MatrixError by which it is refused.
        """
        operation = self.operations.of(request)
        handler = self.handlers[type(request)]
        assert isinstance(handler, Decides), operation.name
        try:
            self._admit(caller, operation)
            key = _once_key(operation, caller, request)
            if key is None:
                await self._decide(handler, caller, request, done)
            else:
                await self._decide_once(key, handler, caller, request, done)
        except MatrixError as error:
            done(None, error)

    async def commit(self, caller: Caller, decision: Decision) -> Any:
        """Commit a decision that was made by a hand-written route. Raises MatrixError."""
        if self.store.pending > MAX_PENDING:
            raise _behind()
        view = await self._view(caller, NO_NEEDS, None)
        finished = Outcome()
        self._submit(decision, view, finished.set, None)
        return await finished.wait()

    def is_read(self, request: Call[Any]) -> bool:
        return isinstance(self.handlers[type(request)], Reads)

    async def authenticate(self, token: str) -> Caller:
        """The caller with this access token. Raises MatrixError M_UNKNOWN_TOKEN."""
        return await self._callers.authenticate(token, self.clock.now_ms())

    def position(self) -> Position:
        """Where the server is: all up to here has been committed."""
        return Position(self._committed, self.ephemeral.eph, self._boot)

    def start_soon(self, function: Callable[..., Awaitable[Any]], *args: Any) -> None:
        """Run a task for as long as the engine runs."""
        if self._nursery is None:
            raise RuntimeError("the engine is not open")
        self._nursery.start_soon(function, *args)

    # readers

    async def joined_rooms(self, user_id: UserId) -> list[RoomId]:
        members = await self.store.memberships(user_id)
        return [m.room_id for m in members if m.membership == "join"]

    def attach(
        self,
        reader: Reader,
        rooms: Sequence[RoomId],
        *,
        presence: str = "online",
    ) -> None:
        """Send a user's news to a reader from now on; `rooms` are those joined."""
        self.subscriptions.add(reader, rooms)
        if presence == "online":
            self.status.came_online(reader.user_id)

    def detach(self, reader: Reader) -> None:
        if self.subscriptions.discard(reader):
            self.start_soon(self.status.went_offline, reader.user_id)

    def answer_waiting(self) -> None:
        """Let every waiting /sync answer now, for the server is about to end."""
        for reader in self.subscriptions.everyone():
            if isinstance(reader, Waiter):
                reader.close()

    # admit

    def _admit(self, caller: Caller, operation: Operation) -> None:
        if operation.access is not Access.PUBLIC:
            who: str = caller.user
            if operation.access is Access.ADMIN and not caller.is_admin:
                raise MatrixError("M_FORBIDDEN", "only an administrator may do that")
        else:
            who = caller.user_id or caller.address
        self.limits.take(operation.rate, who, self.clock.monotonic())
        if operation.writes and self.store.pending > MAX_PENDING:
            raise _behind()

    # decide

    async def _decide_once(
        self,
        key: tuple[str, str, str, str],
        handler: Decides,
        caller: Caller,
        request: Call[Any],
        done: Complete,
    ) -> None:
        waiting = self._once.get(key)
        if waiting is not None:
            waiting.append(done)
            return
        self._once[key] = waiting = [done]

        def all_done(reply: Any, error: BaseException | None) -> None:
            self._once.pop(key, None)
            for one in waiting:
                one(reply, error)

        try:
            stored = await self.store.txn_reply(caller.user, caller.device, *key[2:])
            if stored is not None:
                all_done(RawReply(stored), None)
            else:
                await self._decide(handler, caller, request, all_done, key)
        except MatrixError as error:
            all_done(None, error)
        except BaseException:
            self._once.pop(key, None)
            raise

    async def _decide(
        self,
        handler: Decides,
        caller: Caller,
        request: Call[Any],
        done: Complete,
        key: tuple[str, str, str, str] | None = None,
    ) -> None:
        prepared = None
        if handler.prepare is not None:
            reading = Reading(self, caller, self.clock.now_ms())
            prepared = await handler.prepare(reading, caller, request)
        needs = handler.needs(caller, request)
        if handler.found_rooms is not None:
            found = handler.found_rooms(prepared)
            needs = evolve(needs, rooms=needs.rooms + found)
        if not needs.rows:
            view = await self._view(caller, needs, prepared)
            self._submit(handler.decide(view, request), view, done, key)
            return
        # Rows are seen as they are stored: whoever decides by them has to wait until
        # what was decided by the same tables before is there.
        async with AsyncExitStack() as stack:
            for table in sorted({find.table for find in needs.rows.values()}):
                lock = self._locks.setdefault(table, trio.Lock())
                await stack.enter_async_context(lock)
            view = await self._view(caller, needs, prepared)
            stored = trio.Event()

            def then(reply: Any, error: BaseException | None) -> None:
                stored.set()
                done(reply, error)

            self._submit(handler.decide(view, request), view, then, key)
            with trio.CancelScope(shield=True):
                await stored.wait()

    async def _view(self, caller: Caller, needs: Needs, prepared: Any) -> View:
        for room_id in needs.rooms:
            await self.cache.load(room_id)
        events: dict[EventId, SeenEvent] = {}
        for room_id, event_id in needs.events:
            event = await self.store.event(room_id, event_id)
            if event is not None:
                events[event_id] = event
        rows = {name: await self.store.find(f) for name, f in needs.rows.items()}
        # The rooms last: as they are now, whatever happened while the rest was read.
        rooms: dict[RoomId, Timeline] = {}
        for room_id in needs.rooms:
            live = self.cache.cached(room_id) or await self.cache.load(room_id)
            if live is not None:
                rooms[room_id] = live.timeline
        return View(
            caller=caller,
            server=self.server,
            now_ms=self.clock.now_ms(),
            registry=self.registry,
            rooms=rooms,
            events=events,
            rows=rows,
            prepared=prepared,
            random=self.random,
        )

    def _submit(
        self,
        decision: Decision,
        view: View,
        done: Complete,
        key: tuple[str, str, str, str] | None,
    ) -> None:
        work = Work(done)
        transaction = self._committer.plan(view, decision, work)
        if key is not None:
            reply = dumps(unstructure(work.reply))
            transaction.writes.append(
                StoreTxn(
                    user_id=view.caller.user,
                    device_id=view.caller.device,
                    operation=key[2],
                    txn_id=key[3],
                    reply=reply,
                    ts=view.now_ms,
                ),
            )
        if transaction.writes:
            self.store.submit(transaction)
        else:
            self._effects(work)
            done(work.reply, None)

    # commit and deliver

    def _on_commit(
        self,
        batch: Sequence[Transaction],
        error: BaseException | None,
    ) -> None:
        works: list[Work] = [t.context for t in batch if t.context is not None]
        self._in_batch = True
        try:
            if error is not None:
                self._failed(works, error)
            else:
                self._deliver(works)
        finally:
            self._in_batch = False
            after, self._after_batch = self._after_batch, {}
            for function in after:
                function()

    def after_batch(self, function: Callable[[], object]) -> None:
        """Call once what is being delivered has been; at once if nothing is."""
        if self._in_batch:
            self._after_batch[function] = None
        else:
            function()

    def _deliver(self, works: Sequence[Work]) -> None:
        if not works:
            return
        self._committed = max([self._committed, *(work.pos for work in works)])
        for work in works:
            for live in work.rooms:
                live.pending -= 1
            # An answer is queued before the news, and leaves in the same write.
            work.complete(work.reply, None)
        self.delivery.works(works)
        for work in works:
            self._effects(work)
            if self._reactions:
                self._react(work)
        self.delivery.flush()

    def _react(self, work: Work) -> None:
        for appended in work.appended:
            for kind, react in self._reactions:
                if kind == appended.event.pdu.type:
                    event = seen_by_clients(appended.event)
                    self.start_soon(self._guarded, react, event)

    async def _repeat(self, schedule: Schedule) -> None:
        while True:
            await trio.sleep(schedule.every_ms / 1000)
            await self._guarded(schedule.run, self.clock.now_ms())

    async def _guarded(
        self, function: Callable[..., Awaitable[None]], arg: Any
    ) -> None:
        """A module's own work: what goes wrong in it is logged, and stops nothing."""
        try:
            await function(self, arg)
        except Exception:  # noqa: BLE001  # see above
            _log.exception("a module failed")

    def _failed(self, works: Sequence[Work], error: BaseException) -> None:
        self.cache.clear()
        refusal = MatrixError(
            "M_UNAVAILABLE",
            "the server could not store this; nothing of it has happened",
            status=503,
            retry_after_ms=2000,
        )
        refusal.__cause__ = error
        for work in works:
            work.complete(None, refusal)

    def _effects(self, work: Work) -> None:
        for effect in work.effects:
            match effect:
                case SetTypingUntil():
                    self.status.set_typing(effect)
                case SetUserPresence():
                    self.status.set_presence(
                        effect.user_id,
                        effect.presence,
                        effect.status_msg,
                        effect.expires_ms,
                    )
                case EndSessions():
                    self._end_sessions(effect)

    def _end_sessions(self, effect: EndSessions) -> None:
        self._callers.forget(effect.user_id, partial(_ends, effect))
        self.tickets.revoke(effect.user_id)
        for reader in self.subscriptions.of_user(effect.user_id):
            if _ends(effect, reader.device_id):
                reader.end("logged out")


def _ends(effect: EndSessions, device_id: str | None) -> bool:
    if effect.devices is not None:
        return device_id in effect.devices
    return effect.keep is None or device_id != effect.keep


def _once_key(
    operation: Operation,
    caller: Caller,
    request: Call[Any],
) -> tuple[str, str, str, str] | None:
    if operation.once_by is None or caller.device_id is None:
        return None
    txn_id = getattr(request, operation.once_by)
    room_id = getattr(request, "room_id", "")
    scope = f"{operation.name} {room_id}"
    return caller.user, caller.device_id, scope, txn_id


def _operations(modules: Sequence[Module]) -> OperationTable:
    more = tuple(op for module in modules for op in module.operations)
    return OPERATIONS.with_operations(more) if more else OPERATIONS


def _registry(modules: Sequence[Module]) -> Registry:
    more = tuple(event for module in modules for event in module.events)
    return DEFAULT_REGISTRY.with_types(more) if more else DEFAULT_REGISTRY


def _handlers(
    table: OperationTable,
    modules: Sequence[Module],
) -> dict[type, Handler]:
    """Every operation has its handler, or the server does not start."""
    handlers: dict[type, Handler] = {}
    of_modules = tuple(h for module in modules for h in module.handlers)
    for handler in HANDLERS + of_modules:
        handlers[handler.operation.request] = handler
    missing = [op.name for op in table if not op.by_hand and op.request not in handlers]
    if missing:
        raise TypeError(f"operations without a handler: {', '.join(missing)}")
    return handlers


def _behind() -> MatrixError:
    return MatrixError(
        "M_LIMIT_EXCEEDED",
        "the server is behind with storing; try again",
        status=503,
        retry_after_ms=1000,
    )
