"""What an application service is told of: what its users can see, and its rooms.

Source: Application Service API, "Pushing events" and "Registration".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import frozen

from chatproto.ids import UserId
from chatproto.ports import EventHead
from chatproto.server.appservices.services import Claims


@frozen
class Standing:
    """A user of the service in a room, whose membership changed last at `since`."""

    user_id: UserId
    is_joined: bool
    since: int


def is_aimed(claims: Claims, head: EventHead) -> bool:
    """Whether an event is by, or about, one of its users, or in a room by its ID."""
    if claims.has_user(head.sender) or claims.has_room(head.room_id):
        return True
    about_member = head.type == "m.room.member" and head.state_key is not None
    return about_member and claims.has_user(head.state_key or "")


def is_called(claims: Claims, aliases: Iterable[str]) -> bool:
    """Whether a room with these aliases is one of its own."""
    return any(claims.has_alias(alias) for alias in aliases)


def is_watched(standings: Collection[Standing], seq: int) -> bool:
    """Whether one of its users was in the room at event `seq`, and still is."""
    return any(s.is_joined and s.since <= seq for s in standings)


def moved_since(standings: Collection[Standing], seq: int) -> tuple[UserId, ...]:
    """Its users of whom the room's history has to say where they were at `seq`."""
    return tuple(s.user_id for s in standings if s.since > seq)
