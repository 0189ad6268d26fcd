"""Rooms within rooms, and what is told of a room to those outside it."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import RoomAlias, RoomId, ServerName
from chatproto.operations.codec import wire
from chatproto.operations.declare import Call, Operation, Rate


@frozen(kw_only=True)
class RoomSummary:
    room_id: RoomId
    num_joined_members: int
    world_readable: bool
    guest_can_join: bool
    name: str | None = None
    topic: str | None = None
    avatar_url: str | None = None
    canonical_alias: RoomAlias | None = None
    join_rule: str | None = None
    room_type: str | None = None
    allowed_room_ids: tuple[RoomId, ...] | None = None
    encryption: str | None = None
    room_version: str | None = None


@frozen(kw_only=True)
class SpaceRoom(RoomSummary):
    children_state: tuple[JsonObject, ...]


@frozen(kw_only=True)
class Hierarchy:
    rooms: tuple[SpaceRoom, ...]
    next_batch: str | None = None


@frozen(kw_only=True)
class GetHierarchy(Call[Hierarchy]):
    """List the rooms of a space and of the spaces within it, depth first.

    Only rooms that one is in, may join or may read are listed. `limit` counts rooms,
    `max_depth` the spaces one below the other; `from_` is the `next_batch` of a page
    that was asked for with the same `max_depth` and `suggested_only`.
    """

    room_id: RoomId
    suggested_only: bool = False
    limit: int | None = None
    max_depth: int | None = None
    from_: str | None = field(default=None, metadata=wire("from"))


@frozen(kw_only=True)
class ShownRoom(RoomSummary):
    membership: str | None = None


@frozen(kw_only=True)
class GetRoomSummary(Call[ShownRoom]):
    """Tell what a room is before one joins it."""

    room_id_or_alias: str
    via: tuple[ServerName, ...] = ()


_V1 = "/_matrix/client/v1"

GET_HIERARCHY = Operation(
    name="space.hierarchy",
    http=f"GET {_V1}/rooms/{{room_id}}/hierarchy",
    request=GetHierarchy,
    response=Hierarchy,
    rate=Rate.SEARCH,
    errors=("M_FORBIDDEN", "M_INVALID_PARAM"),
)
GET_ROOM_SUMMARY = Operation(
    name="room.summary",
    http=f"GET {_V1}/room_summary/{{room_id_or_alias}}",
    request=GetRoomSummary,
    response=ShownRoom,
    errors=("M_NOT_FOUND",),
)

OPERATIONS: tuple[Operation, ...] = (GET_HIERARCHY, GET_ROOM_SUMMARY)
