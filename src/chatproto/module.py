"""The one declaration that an extension makes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import (
    Append,
    Caller,
    Decides,
    Decision,
    Delete,
    Find,
    Handler,
    Needs,
    Put,
    Reading,
    Reads,
    ReplyFrom,
    SeenEvent,
    Update,
    View,
)
from chatproto.events.declare import EventKind, EventType
from chatproto.events.envelope import EventDraft, Pdu
from chatproto.operations.declare import Access, Call, Empty, Operation, Rate
from chatproto.ports import Migration
from chatproto.rooms.state import RoomState

_NAME = re.compile(r"[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+")
_TABLES = re.compile(
    r"(?:table|index)\s+(?:if\s+not\s+exists\s+)?\"?(\w+)", re.IGNORECASE
)

Rule: TypeAlias = Callable[[Pdu, RoomState], None]
Fold: TypeAlias = Callable[[JsonObject, JsonObject], JsonObject]


@frozen(kw_only=True)
class Reducer:
    """Folds events of some types into a value that every client keeps for a room.

    `fold(value, event)` returns the new value; both are JSON, the event in client
    format.
    """

    name: str
    event_types: tuple[str, ...]
    initial: JsonObject
    fold: Fold


class Calling(Protocol):
    """What scheduled work and reactions get: a way to call operations."""

    async def call(self, caller: Caller, request: Any) -> Any: ...


@frozen(kw_only=True)
class Schedule:
    """Work that is done every `every_ms` milliseconds while the server runs."""

    name: str
    every_ms: int
    run: Callable[[Calling, int], Awaitable[None]]


@frozen(kw_only=True)
class Module:
    """What an extension adds to a server and its clients.

    `rules` hold for events of the module's own types, beyond the room's rules, where
    an event is appended. `reactions` are called after an event has been committed.

    Raises ValueError if a name lacks the module's prefix: event types begin with
    `name`, tables with `name` with underscores.
    """

    name: str
    events: tuple[EventType, ...] = ()
    operations: tuple[Operation, ...] = ()
    handlers: tuple[Handler, ...] = ()
    rules: Mapping[str, Rule] = field(factory=dict)
    reducers: tuple[Reducer, ...] = ()
    reactions: Mapping[str, Callable[[Calling, JsonObject], Awaitable[None]]] = field(
        factory=dict,
    )
    migrations: tuple[Migration, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    features: Mapping[str, bool] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not a reverse domain name of a module")
        _require_prefix(self.name, "event type", [e.type for e in self.events])
        _require_prefix(self.name, "rule", self.rules)
        _require_prefix(f"{self.table_prefix}_", "table", self._tables())
        handled = {h.operation.name for h in self.handlers}
        missing = [op.name for op in self.operations if op.name not in handled]
        if missing:
            raise ValueError(f"{self.name}: no handler for {', '.join(missing)}")

    @property
    def table_prefix(self) -> str:
        return self.name.replace(".", "_")

    def _tables(self) -> list[str]:
        sql = [line for m in self.migrations for line in m.sql]
        creates = [line for line in sql if "create" in line.lower()]
        return [name for line in creates for name in _TABLES.findall(line)[:1]]


def _require_prefix(
    prefix: str, kind: str, names: Sequence[str] | Mapping[str, Any]
) -> None:
    for name in names:
        if not name.startswith(prefix):
            raise ValueError(f"{kind} {name!r} has to begin with {prefix!r}")


__all__ = [
    "Access",
    "Append",
    "Call",
    "Caller",
    "Calling",
    "Decides",
    "Decision",
    "Delete",
    "Empty",
    "EventDraft",
    "EventKind",
    "EventType",
    "Find",
    "JsonObject",
    "Migration",
    "Module",
    "Needs",
    "Operation",
    "Pdu",
    "Put",
    "Rate",
    "Reading",
    "Reads",
    "Reducer",
    "ReplyFrom",
    "RoomState",
    "Rule",
    "Schedule",
    "SeenEvent",
    "Update",
    "View",
]
