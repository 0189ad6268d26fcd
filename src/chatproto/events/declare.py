"""The vocabulary in which event types are declared."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class EventKind(Enum):
    """Where an event lives."""

    STATE = "state"  # the room's state, by type and state key
    MESSAGE = "message"  # the room's timeline
    EPHEMERAL = "ephemeral"  # shown and forgotten
    ACCOUNT_DATA = "account_data"  # kept for one user
    TO_DEVICE = "to_device"  # past every room, for one device


@frozen
class EventType:
    """One type of event: `content` is an attrs class with what is known of it.

    `bumps` says that such an event lifts a chat when another has sent it, `counts`
    that it adds to the unread (docs/protocol/sync.md).
    """

    type: str
    kind: EventKind
    content: type
    bumps: bool = False
    counts: bool = False

    @property
    def doc(self) -> str:
        return (self.content.__doc__ or "").strip()
