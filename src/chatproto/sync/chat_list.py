"""The order of chats: only other people's messages move one to the top."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from chatproto.errors import LocalError
from chatproto.ids import RoomId
from chatproto.sync.room import Room

LISTED = ("join", "invite")
FILTERS = ("all", "unread", "people", "rooms", "archived")


def order(rooms: Iterable[Room]) -> list[RoomId]:
    """The rooms one is in or invited to, by `bump`, greatest first; ties by room ID."""
    listed = [room for room in rooms if room.membership in LISTED]
    return [r.room_id for r in sorted(listed, key=lambda r: (-r.bump, r.room_id))]


def chosen(room: Room, name: str, direct: Collection[str]) -> bool:
    """Whether a filter shows a room. Archived rooms are shown by `archived` only.

    `direct` are the rooms that are chats between two. Raises LocalError for a filter
    that is none.
    """
    if name not in FILTERS:
        raise LocalError(f"no filter {name!r}; there are {', '.join(FILTERS)}")
    if name == "archived" or room.is_archived:
        return name == "archived" and room.is_archived
    if name == "unread":
        unread = room.notification_count > 0 or room.is_marked_unread
        return unread or room.membership == "invite"
    if name == "people":
        return room.room_id in direct
    return name == "all" or room.room_id not in direct
