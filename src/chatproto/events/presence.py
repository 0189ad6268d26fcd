"""Who is there."""

from __future__ import annotations

from attrs import frozen

from chatproto.events.declare import EventKind, EventType


@frozen(kw_only=True)
class PresenceContent:
    """Whether somebody is there, with a status text; times in milliseconds."""

    presence: str
    status_msg: str | None = None
    last_active_ago: int | None = None
    currently_active: bool | None = None


EVENTS = (EventType("m.presence", EventKind.EPHEMERAL, PresenceContent),)
