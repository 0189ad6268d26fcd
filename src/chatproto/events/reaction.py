"""Reactions."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.events.content import key
from chatproto.events.declare import EventKind, EventType


@frozen(kw_only=True)
class Reaction:
    """A reaction to an event: m.relates_to names the event and carries the key."""

    relates_to: JsonObject = field(metadata=key("m.relates_to"))


EVENTS = (EventType("m.reaction", EventKind.MESSAGE, Reaction),)
