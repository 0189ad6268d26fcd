"""The engine: a call is admitted, decided, committed, delivered, in that order.

Theory of operation. Between the moment a decision sees a room and the moment its
transaction is submitted nothing is awaited, so a room needs no lock: the next decision
sees the room as this one leaves it, though it may not be on the disk yet. The store
makes transactions durable in the order of submission and reports each batch on the
event loop; only then are they delivered and answered. If a batch fails, everything
submitted behind it fails with it and the rooms in memory are forgotten.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import trio
from attrs import evolve

from chatproto.decisions import (
    NO_NEEDS,
    Caller,
    Decides,
    Decision,
    Reads,
)
from chatproto.errors import MatrixError
from chatproto.ids import RoomId, UserId
from chatproto.module import Module
from chatproto.operations.declare import Access, Call, Operation
from chatproto.ports import Broker, Clock, KeyStore, Store, Transaction
from chatproto.server.aftermath import Aftermath
from chatproto.server.appservices.acting import caller_behind, parse_mask
from chatproto.server.appservices.admission import require_unclaimed
from chatproto.server.appservices.services import Appservices
from chatproto.server.appservices.starting import make_known
from chatproto.server.callers import Callers
from chatproto.server.client_format import Formats
from chatproto.server.commit import Committer
from chatproto.server.deciding import Deciding
from chatproto.server.deliver import Delivery
from chatproto.server.extensions import (
    Extensions,
    handlers_with,
    operations_with,
    registry_with,
    rules_of,
)
from chatproto.server.guests import require_open_to
from chatproto.server.last_seen import LastSeen
from chatproto.server.once import Complete, Once, once_key
from chatproto.server.outcome import Outcome, RawReply
from chatproto.server.pages import Pages
from chatproto.server.passwords import Argon2Hasher, PasswordHasher
from chatproto.server.positions import Position
from chatproto.server.presence import Ephemeral
from chatproto.server.push.gateways import PushGateways
from chatproto.server.rates import RateLimits
from chatproto.server.reading import Reading
from chatproto.server.rooms import RoomCache
from chatproto.server.settings import Settings
from chatproto.server.sliding.answers import Sliding
from chatproto.server.status import Status
from chatproto.server.streams import Streams
from chatproto.server.subscriptions import Reader, Subscriptions
from chatproto.server.tokens import Tickets
from chatproto.server.unread import UnreadCounts
from chatproto.server.views import Views
from chatproto.server.visible import Visible
from chatproto.server.waiter import Waiter

if TYPE_CHECKING:
    from chatproto.server.appservices.links import Links

R = TypeVar("R")

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
        broker: Broker | None = None,
    ) -> None:
        self.settings = settings
        self.server = settings.server_name
        self.store = store
        self.clock = clock
        self.random = random
        self.broker = broker
        self.modules = tuple(modules)
        self.passwords: PasswordHasher = passwords or Argon2Hasher()
        self.operations = operations_with(modules)
        self.registry = registry_with(modules)
        self.handlers = handlers_with(self.operations, modules)
        self.appservices = Appservices(settings.appservices, self.server)
        self.limits = RateLimits(settings.rates)
        self.tickets = Tickets()
        self.ephemeral = Ephemeral()
        self.cache = RoomCache(store)
        self.visible = Visible(store)
        self.formats = Formats(store)
        self.pages = Pages(store, self.formats)
        self.unread = UnreadCounts(store, self.cache, self.registry)
        self.streams = Streams.over(
            store,
            self.cache,
            self.ephemeral,
            self.visible,
            self.formats,
            self.pages,
            self.unread,
            clock,
        )
        self.sliding = Sliding.over(
            store,
            self.cache,
            self.visible,
            self.formats,
            self.pages,
            self.ephemeral,
            self.unread,
        )
        self.subscriptions = Subscriptions()
        self.delivery = Delivery(self.subscriptions, self.position)
        self.status = Status(
            self.ephemeral,
            self.delivery,
            self.subscriptions,
            clock,
            self.joined_rooms,
        )
        self.push = PushGateways(
            store,
            self.cache,
            self.formats,
            self.visible,
            self.unread,
            clock,
            settings.reach,
            partial(self.commit, Caller()),
            lambda: self._aftermath.committed,
        )
        self._views = Views(
            self.server, store, self.cache, clock, self.registry, random
        )
        self._extensions = Extensions(self.modules, self, clock)
        self._callers = Callers(store)
        self._aftermath = self._made_aftermath(broker)
        key = keys.signing_key()
        self._deciding = Deciding(
            store=store,
            views=self._views,
            committer=Committer(
                self.server, key, self.registry, self.cache, rules_of(modules)
            ),
            reading=self._reading,
            effects=self._aftermath.effects,
        )
        self._once = Once(store)
        self._boot = random(5).hex()
        self._last_seen = LastSeen()
        self.links: Links | None = None
        self._nursery: trio.Nursery | None = None

    def _made_aftermath(self, broker: Broker | None) -> Aftermath:
        return Aftermath(
            cache=self.cache,
            unread=self.unread,
            delivery=self.delivery,
            subscriptions=self.subscriptions,
            status=self.status,
            push=self.push,
            extensions=self._extensions,
            callers=self._callers,
            tickets=self.tickets,
            broker=broker,
            start_soon=self.start_soon,
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, **ports: Any) -> AsyncGenerator[Engine]:
        """An engine that runs for the time of the block; the arguments are those of
        the class. Everything submitted has been committed when the block ends.
        """
        engine = cls(settings, **ports)
        async with AsyncExitStack() as stack:
            await engine.store.open(engine._aftermath.on_commit)
            stack.push_async_callback(engine.store.aclose)
            for module in engine.modules:
                await engine.store.migrate(module.name, module.migrations)
            last_pos = await engine.store.last_pos()
            engine._deciding.committer.pos = engine._aftermath.committed = last_pos
            await make_known(
                engine.appservices, engine.store, engine.clock.now_ms(), engine.commit
            )
            for row in await engine.store.statuses():
                engine.ephemeral.restore(
                    row["user_id"], row["status_msg"], row["status_expires_ts"]
                )
            async with trio.open_nursery() as nursery:
                engine._nursery = nursery
                nursery.start_soon(engine.status.run)
                nursery.start_soon(engine._extensions.run)
                await engine.push.open(nursery)
                if settings.appservices:
                    engine.links = engine._aftermath.links = engine._linked()
                    nursery.start_soon(engine.links.run)
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
        reply = await finished.wait()
        if isinstance(reply, RawReply):
            reply = reply.typed(self.operations.of(request).response)
        return reply  # type: ignore[no-any-return]

    async def read(self, caller: Caller, request: Call[Any]) -> Any:
        """Answer a request that changes nothing. Raises MatrixError."""
        operation = self.operations.of(request)
        handler = self.handlers[type(request)]
        assert isinstance(handler, Reads), operation.name
        self._admit(caller, operation)
        require_unclaimed(self.appservices, caller, request)
        if self.links is not None:
            await self.links.ask_about(caller, request)
        return await handler.read(self._reading(caller), request)

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
            require_unclaimed(self.appservices, caller, request)
            if self.links is not None:
                await self.links.ask_about(caller, request)
            key = once_key(operation, caller, request)
            decide = partial(self._deciding.decide, handler, caller, request, key)
            if key is None:
                await decide(done)
            else:
                await self._once.run(key, done, decide)
        except MatrixError as error:
            done(None, error)

    async def commit(self, caller: Caller, decision: Decision) -> Any:
        """Commit a decision that was made by a hand-written route. Raises MatrixError."""
        if self.is_behind:
            raise _behind()
        view = await self._views.view(caller, NO_NEEDS, None)
        finished = Outcome()
        self._deciding.submit(decision, view, finished.set, None)
        return await finished.wait()

    def after_batch(self, function: Callable[[], object]) -> None:
        """Call once what is being delivered has been; at once if nothing is."""
        self._aftermath.after_batch(function)

    def _reading(self, caller: Caller) -> Reading:
        return Reading(self, caller, self.clock.now_ms())

    def is_read(self, request: Call[Any]) -> bool:
        return isinstance(self.handlers[type(request)], Reads)

    async def authenticate(
        self,
        token: str,
        address: str = "",
        asserted: Mapping[str, str] = MappingProxyType({}),
    ) -> Caller:
        """The caller with this access token. Raises MatrixError M_UNKNOWN_TOKEN.

        `asserted` is the query, in which an application service says whom it acts for.
        """
        now_ms = self.clock.now_ms()
        service = self.appservices.of_token(token)
        if service is None:
            caller = await self._callers.authenticate(token, now_ms)
        else:
            mask = parse_mask(asserted)
            caller = await caller_behind(service, mask, self.store)
        if address:
            caller = evolve(caller, address=address)
        seen = self._last_seen.note(caller, now_ms)
        if seen is not None:
            self.store.submit(Transaction(writes=[seen]))
        return caller

    @property
    def is_behind(self) -> bool:
        """Whether too much waits for the disk to take any more."""
        return self.store.pending > MAX_PENDING

    def position(self) -> Position:
        """Where the server is: all up to here has been committed."""
        return Position(self._aftermath.committed, self.ephemeral.eph, self._boot)

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
        if presence != "offline":
            self.start_soon(
                self.status.came, reader.user_id, reader.device_id, presence
            )

    def detach(self, reader: Reader) -> None:
        if self.subscriptions.discard(reader):
            self.start_soon(self.status.went_offline, reader.user_id)

    def answer_waiting(self) -> None:
        """Let every waiting /sync answer now, for the server is about to end."""
        for reader in self.subscriptions.everyone():
            if isinstance(reader, Waiter):
                reader.close()

    def _linked(self) -> Links:
        # Here, for most servers send nothing to anybody.
        from chatproto.server.appservices.links import Links

        links = Links.over(
            self.appservices,
            self.store,
            self.formats,
            self.clock,
            commit=partial(self.commit, Caller()),
            committed=lambda: self._aftermath.committed,
        )
        self.delivery.ears = links.ears
        return links

    # admit

    def _admit(self, caller: Caller, operation: Operation) -> None:
        if operation.access is not Access.PUBLIC:
            who: str = caller.user
            if operation.access is Access.ADMIN and not caller.is_admin:
                raise MatrixError("M_FORBIDDEN", "only an administrator may do that")
        else:
            who = caller.user_id or caller.address
        require_open_to(caller, operation)
        if caller.is_limited:
            self.limits.take(operation.rate, who, self.clock.monotonic())
        if operation.writes and self.is_behind:
            raise _behind()


def _behind() -> MatrixError:
    return MatrixError(
        "M_LIMIT_EXCEEDED",
        "the server is behind with storing; try again",
        status=503,
        retry_after_ms=1000,
    )
