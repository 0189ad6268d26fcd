"""From a request to a transaction: prepared, seen, decided, submitted.

Between the moment a decision sees a room and the moment its transaction is submitted
nothing is awaited, so a room needs no lock.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any
from weakref import WeakValueDictionary

import trio
from attrs import define, evolve, field

from chatproto.canonical import dumps
from chatproto.decisions import Caller, Decides, Decision, View
from chatproto.operations.codec import unstructure
from chatproto.operations.declare import Call
from chatproto.ports import Store
from chatproto.server.commit import Committer, Work
from chatproto.server.once import Complete, OnceKey
from chatproto.server.reading import Reading
from chatproto.server.views import Views


@define(eq=False, kw_only=True)
class Deciding:
    """Runs handlers that decide; `effects` runs what a decision does if it stores
    nothing.
    """

    store: Store
    views: Views
    committer: Committer
    reading: Callable[[Caller], Reading]
    effects: Callable[[Work], None]
    _locks: dict[str, trio.Lock] = field(factory=dict)
    _turns: WeakValueDictionary[str, trio.Lock] = field(factory=WeakValueDictionary)

    async def decide(
        self,
        handler: Decides,
        caller: Caller,
        request: Call[Any],
        key: OnceKey | None,
        done: Complete,
    ) -> None:
        """Returns once the transaction is submitted. Raises MatrixError."""
        name = None if handler.alone is None else handler.alone(caller, request)
        if name is None:
            await self._now(handler, caller, request, key, done)
            return
        turn = self._turns.setdefault(name, trio.Lock())
        async with turn:
            await self._now(handler, caller, request, key, done, is_alone=True)

    def submit(
        self,
        decision: Decision,
        view: View,
        done: Complete,
        key: OnceKey | None,
    ) -> None:
        """Hand a decision to the disk. Raises MatrixError."""
        work = Work(done, txn_id=None if key is None else key.txn_id)
        transaction = self.committer.plan(view, decision, work)
        if key is not None:
            reply = dumps(unstructure(work.reply))
            transaction.writes.append(key.stored(reply, view.now_ms))
        if transaction.writes:
            self.store.submit(transaction)
        else:
            self.effects(work)
            done(work.reply, None)

    async def _now(
        self,
        handler: Decides,
        caller: Caller,
        request: Call[Any],
        key: OnceKey | None,
        done: Complete,
        *,
        is_alone: bool = False,
    ) -> None:
        prepared = None
        if handler.prepare is not None:
            prepared = await handler.prepare(self.reading(caller), caller, request)
        needs = handler.needs(caller, request)
        if handler.found_rooms is not None:
            found = handler.found_rooms(prepared)
            needs = evolve(needs, rooms=needs.rooms + found)
        if not needs.rows and not is_alone:
            view = await self.views.view(caller, needs, prepared)
            self.submit(handler.decide(view, request), view, done, key)
            return
        # Rows are seen as they are stored: whoever decides by them has to wait until
        # what was decided by the same tables before is there.
        async with AsyncExitStack() as stack:
            for table in sorted({find.table for find in needs.rows.values()}):
                lock = self._locks.setdefault(table, trio.Lock())
                await stack.enter_async_context(lock)
            view = await self.views.view(caller, needs, prepared)
            stored = trio.Event()

            def then(reply: Any, error: BaseException | None) -> None:
                stored.set()
                done(reply, error)

            self.submit(handler.decide(view, request), view, then, key)
            with trio.CancelScope(shield=True):
                await stored.wait()
