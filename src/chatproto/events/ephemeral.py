"""What is shown and forgotten: receipts, typing, presence."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.events.declare import EventKind, EventType


@frozen(kw_only=True)
class Receipts:
    """Who has read up to where: {event: {m.read | m.read.private: {user: {ts,
    thread_id?}}}}; the keys are the events, so nothing is named here.
    """


@frozen(kw_only=True)
class Typing:
    """Who is writing now: the whole list."""

    user_ids: tuple[str, ...] = ()


@frozen(kw_only=True)
class PresenceContent:
    """Whether somebody is there, with a status text."""

    presence: str
    status_msg: str | None = None
    last_active_ago: int | None = None
    currently_active: bool | None = None
    info: JsonObject = field(factory=dict)


EVENTS = (
    EventType("m.receipt", EventKind.EPHEMERAL, Receipts),
    EventType("m.typing", EventKind.EPHEMERAL, Typing),
    EventType("m.presence", EventKind.EPHEMERAL, PresenceContent),
)
