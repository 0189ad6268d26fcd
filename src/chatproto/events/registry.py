"""The event types that a server or client knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from chatproto.canonical import JsonObject, object_of
from chatproto.events.content import structure_content
from chatproto.events.declare import EventType


@frozen
class UnknownContent:
    """The content of an event whose type nobody has declared."""

    content: JsonObject


class Registry:
    """Event types by name. Raises ValueError if a name occurs twice."""

    def __init__(self, event_types: Iterable[EventType]) -> None:
        self._types: dict[str, EventType] = {}
        for event_type in event_types:
            if event_type.type in self._types:
                raise ValueError(f"the event type {event_type.type} is declared twice")
            self._types[event_type.type] = event_type

    def __iter__(self) -> Iterator[EventType]:
        return iter(self._types.values())

    def get(self, event_type: str) -> EventType | None:
        return self._types.get(event_type)

    def with_types(self, more: Iterable[EventType]) -> Registry:
        return Registry((*self._types.values(), *more))

    @property
    def lifting(self) -> frozenset[str]:
        """The types that lift a chat."""
        return frozenset(t.type for t in self if t.bumps)

    @property
    def counting(self) -> frozenset[str]:
        """The types that count as unread."""
        return frozenset(t.type for t in self if t.counts)

    def parse(self, event_type: str, content: JsonObject) -> object:
        """The typed content; raises MatrixError M_BAD_JSON, naming the field."""
        known = self._types.get(event_type)
        if known is None:
            return UnknownContent(content)
        return structure_content(known.content, content, event_type)

    def bumps(self, event_type: str, content: JsonObject) -> bool:
        """Whether an event lifts a chat: its type does, and it is not an edit."""
        known = self._types.get(event_type)
        if known is None or not known.bumps:
            return False
        return object_of(content.get("m.relates_to")).get("rel_type") != "m.replace"

    def counts(self, event_type: str, content: JsonObject) -> bool:
        """Whether an event adds to the unread: it lifts, and it is not a notice."""
        known = self._types.get(event_type)
        if known is None or not known.counts or content.get("msgtype") == "m.notice":
            return False
        return self.bumps(event_type, content)
