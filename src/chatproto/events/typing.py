"""Who is writing just now."""

from __future__ import annotations

from attrs import frozen

from chatproto.events.declare import EventKind, EventType


@frozen(kw_only=True)
class Typing:
    """Who is writing now: the whole list."""

    user_ids: tuple[str, ...] = ()


EVENTS = (EventType("m.typing", EventKind.EPHEMERAL, Typing),)
