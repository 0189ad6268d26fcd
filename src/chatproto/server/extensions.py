"""What modules add to a server: tables, and work of their own."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import trio
from attrs import define

from chatproto.decisions import Handler, SeenEvent
from chatproto.events import DEFAULT_REGISTRY
from chatproto.events.registry import Registry
from chatproto.module import Calling, Module, Rule, Schedule
from chatproto.operations.declare import OperationTable
from chatproto.operations.table import OPERATIONS
from chatproto.ports import Clock
from chatproto.server.client_format import seen_by_clients
from chatproto.server.handlers import HANDLERS

_log = logging.getLogger(__name__)


def operations_with(modules: Sequence[Module]) -> OperationTable:
    more = tuple(op for module in modules for op in module.operations)
    return OPERATIONS.with_operations(more) if more else OPERATIONS


def registry_with(modules: Sequence[Module]) -> Registry:
    more = tuple(event for module in modules for event in module.events)
    return DEFAULT_REGISTRY.with_types(more) if more else DEFAULT_REGISTRY


def rules_of(modules: Sequence[Module]) -> dict[str, Rule]:
    return {kind: rule for module in modules for kind, rule in module.rules.items()}


def handlers_with(
    table: OperationTable, modules: Sequence[Module]
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


@define(eq=False)
class Extensions:
    """Runs modules' schedules, and their reactions to what has been committed."""

    modules: Sequence[Module]
    engine: Calling
    clock: Clock

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for module in self.modules:
                for schedule in module.schedules:
                    nursery.start_soon(self._repeat, schedule)

    def reactions_to(
        self, events: Iterable[SeenEvent]
    ) -> list[Callable[[], Awaitable[None]]]:
        """What modules do about committed events; each is to be run as a task."""
        return [
            _Reaction(self, react, event)
            for event in events
            for module in self.modules
            for kind, react in module.reactions.items()
            if kind == event.pdu.type
        ]

    async def guarded(self, function: Callable[..., Awaitable[None]], arg: Any) -> None:
        """Do a module's own work: what goes wrong in it is logged, and stops nothing."""
        try:
            await function(self.engine, arg)
        except Exception:  # noqa: BLE001  # see above
            _log.exception("a module failed")

    async def _repeat(self, schedule: Schedule) -> None:
        while True:
            await trio.sleep(schedule.every_ms / 1000)
            await self.guarded(schedule.run, self.clock.now_ms())


@define(eq=False)
class _Reaction:
    extensions: Extensions
    react: Callable[..., Awaitable[None]]
    event: SeenEvent

    async def __call__(self) -> None:
        await self.extensions.guarded(self.react, seen_by_clients(self.event))
