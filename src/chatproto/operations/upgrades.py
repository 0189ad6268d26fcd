"""Rooms that replace rooms."""

from __future__ import annotations

from attrs import frozen

from chatproto.ids import RoomId
from chatproto.operations.declare import Call, Operation, Rate


@frozen(kw_only=True)
class Upgraded:
    replacement_room: RoomId


@frozen(kw_only=True)
class UpgradeRoom(Call[Upgraded]):
    """Replace a room by one of another version.

    The old room stays readable and says where its people go on. Needs the right to send
    m.room.tombstone in it.
    """

    room_id: RoomId
    new_version: str


UPGRADE_ROOM = Operation(
    name="room.upgrade",
    http="POST /_matrix/client/v3/rooms/{room_id}/upgrade",
    request=UpgradeRoom,
    response=Upgraded,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN", "M_UNSUPPORTED_ROOM_VERSION"),
)

OPERATIONS: tuple[Operation, ...] = (UPGRADE_ROOM,)
