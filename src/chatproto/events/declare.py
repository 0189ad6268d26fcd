"""The vocabulary in which event types are declared."""

from __future__ import annotations

from enum import Enum
from inspect import cleandoc
from typing import Any, TypeAlias

from attrs import Factory, field, frozen

# Within EventType the name `type` is a field.
ContentClass: TypeAlias = type[Any]


class EventKind(Enum):
    """Where an event lives."""

    STATE = "state"  # the room's state, by type and state key
    MESSAGE = "message"  # the room's timeline
    EPHEMERAL = "ephemeral"  # shown and forgotten
    ACCOUNT_DATA = "account_data"  # kept for one user
    TO_DEVICE = "to_device"  # past every room, for one device
    EDU = "edu"  # from server to server, never stored


def _doc_of_content(event_type: EventType) -> str:
    return cleandoc(event_type.content.__doc__ or "")


@frozen
class EventType:
    """One type of event: `content` is an attrs class with what is known of it.

    `bumps` says that such an event lifts a chat when another has sent it, `counts`
    that it adds to the unread (docs/protocol/sync.md). `doc` is, unless given, what
    the content class says of itself.
    """

    type: str
    kind: EventKind
    content: ContentClass
    bumps: bool = False
    counts: bool = False
    doc: str = field(default=Factory(_doc_of_content, takes_self=True))
