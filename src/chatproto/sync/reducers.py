"""What modules make of a room's events on the client: votes counted, tasks listed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.sync.fields import seq_of
from chatproto.sync.state import State
from chatproto.sync.timeline import Timeline

Fold: TypeAlias = Callable[[Any, JsonObject], Any]


@frozen(kw_only=True)
class Reducer:
    """A module's own view of a room, as JSON in `room.extensions[name]`.

    `fold(state, event)` gives the state after an event and changes neither. It is run
    over all known events of `event_types` in the order of the room, redacted ones in
    their redacted form, and anew when older events come in. So what it gives depends
    on which events are known, and not on how they came.
    """

    name: str
    event_types: frozenset[str] = field(converter=frozenset)
    initial: Any = field(factory=dict)
    fold: Fold


def run(reducer: Reducer, state: State, timeline: Timeline) -> Any:
    """Fold the room's present state and known timeline."""
    value = reducer.initial
    for event in _events(reducer.event_types, state, timeline):
        value = reducer.fold(value, event)
    return value


def _events(
    kinds: frozenset[str], state: State, timeline: Timeline
) -> list[JsonObject]:
    found = {
        str(event.get("event_id", (kind, key))): event
        for kind in sorted(kinds)
        for key, event in sorted(state.of_type(kind).items())
    }
    for event in timeline.events():
        if event.get("type") in kinds:
            found[str(event.get("event_id"))] = event
    return sorted(found.values(), key=lambda event: seq_of(event) or 0)
