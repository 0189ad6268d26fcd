"""Rooms: making them, coming and going, aliases, the directory."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import RoomAlias, RoomId, ServerName, UserId
from chatproto.operations.declare import Access, Call, Empty, Operation, Rate


@frozen(kw_only=True)
class InRoom:
    room_id: RoomId


@frozen(kw_only=True)
class InitialState:
    type: str
    content: JsonObject
    state_key: str = ""


@frozen(kw_only=True)
class CreateRoom(Call[InRoom]):
    """Create a room and invite people to it.

    `preset` is private_chat, trusted_private_chat or public_chat; `visibility` says
    whether the room is listed in the directory (public) or not (private).
    """

    preset: str | None = None
    visibility: str = "private"
    name: str | None = None
    topic: str | None = None
    invite: tuple[UserId, ...] = ()
    is_direct: bool = False
    room_alias_name: str | None = None
    initial_state: tuple[InitialState, ...] = ()
    creation_content: JsonObject = field(factory=dict)
    power_level_content_override: JsonObject = field(factory=dict)
    room_version: str | None = None


@frozen(kw_only=True)
class OpenDirectChat(Call[InRoom]):
    """Return the direct chat with a user, made and marked as direct if there is none."""

    user_id: UserId


@frozen(kw_only=True)
class JoinRoom(Call[InRoom]):
    """Join a room by its ID."""

    room_id: RoomId
    reason: str | None = None


@frozen(kw_only=True)
class JoinByIdOrAlias(Call[InRoom]):
    """Join a room by its ID or alias."""

    id_or_alias: str
    via: tuple[ServerName, ...] = ()
    reason: str | None = None


@frozen(kw_only=True)
class KnockRoom(Call[InRoom]):
    """Ask to be let into a room."""

    id_or_alias: str
    via: tuple[ServerName, ...] = ()
    reason: str | None = None


@frozen(kw_only=True)
class LeaveRoom(Call[Empty]):
    """Leave a room, or refuse an invitation."""

    room_id: RoomId
    reason: str | None = None


@frozen(kw_only=True)
class ForgetRoom(Call[Empty]):
    """Forget a room that one has left, with its history."""

    room_id: RoomId


@frozen(kw_only=True)
class Invite(Call[Empty]):
    """Invite a user to a room."""

    room_id: RoomId
    user_id: UserId
    reason: str | None = None


@frozen(kw_only=True)
class Kick(Call[Empty]):
    """Remove a user from a room."""

    room_id: RoomId
    user_id: UserId
    reason: str | None = None


@frozen(kw_only=True)
class Ban(Call[Empty]):
    """Remove a user from a room and keep them out."""

    room_id: RoomId
    user_id: UserId
    reason: str | None = None


@frozen(kw_only=True)
class Unban(Call[Empty]):
    """Lift a ban."""

    room_id: RoomId
    user_id: UserId
    reason: str | None = None


@frozen(kw_only=True)
class DeleteRoom(Call[Empty]):
    """Delete a chat: for oneself (leave and forget), or for everyone in it.

    `scope` is "me" or "all"; the latter needs the right to send m.room.tombstone and
    m.room.join_rules and to kick, removes every member and ends the room.
    """

    room_id: RoomId
    scope: str = "me"


@frozen(kw_only=True)
class JoinedRooms:
    joined_rooms: tuple[RoomId, ...]


@frozen(kw_only=True)
class ListJoinedRooms(Call[JoinedRooms]):
    """List the rooms one is in."""


@frozen(kw_only=True)
class ResolvedAlias:
    room_id: RoomId
    servers: tuple[ServerName, ...]


@frozen(kw_only=True)
class ResolveAlias(Call[ResolvedAlias]):
    """Find the room that an alias names."""

    room_alias: RoomAlias


@frozen(kw_only=True)
class CreateAlias(Call[Empty]):
    """Give a room an alias on this server."""

    room_alias: RoomAlias
    room_id: RoomId


@frozen(kw_only=True)
class DeleteAlias(Call[Empty]):
    """Take an alias away."""

    room_alias: RoomAlias


@frozen(kw_only=True)
class Aliases:
    aliases: tuple[RoomAlias, ...]


@frozen(kw_only=True)
class ListAliases(Call[Aliases]):
    """List the aliases of a room on this server."""

    room_id: RoomId


@frozen(kw_only=True)
class PublicRoom:
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


@frozen(kw_only=True)
class PublicRooms:
    chunk: tuple[PublicRoom, ...]
    next_batch: str | None = None
    prev_batch: str | None = None
    total_room_count_estimate: int | None = None


@frozen(kw_only=True)
class ListPublicRooms(Call[PublicRooms]):
    """List the rooms in the directory, the largest first."""

    limit: int | None = None
    since: str | None = None
    server: ServerName | None = None


@frozen(kw_only=True)
class PublicRoomsFilter:
    generic_search_term: str | None = None
    room_types: tuple[str | None, ...] | None = None


@frozen(kw_only=True)
class SearchPublicRooms(Call[PublicRooms]):
    """Search the directory by name, topic and alias."""

    limit: int | None = None
    since: str | None = None
    filter: PublicRoomsFilter | None = None
    include_all_networks: bool = False
    third_party_instance_id: str | None = None
    server: ServerName | None = None


@frozen(kw_only=True)
class Visibility:
    visibility: str


@frozen(kw_only=True)
class GetVisibility(Call[Visibility]):
    """Tell whether a room is listed in the directory."""

    room_id: RoomId


@frozen(kw_only=True)
class SetVisibility(Call[Empty]):
    """List a room in the directory (public), or take it out (private)."""

    room_id: RoomId
    visibility: str = "public"


_V3 = "/_matrix/client/v3"
_ROOM = f"{_V3}/rooms/{{room_id}}"
_OURS = "/_chatproto/v1"

CREATE_ROOM = Operation(
    name="room.create",
    http=f"POST {_V3}/createRoom",
    request=CreateRoom,
    response=InRoom,
    rate=Rate.WRITE,
    errors=(
        "M_ROOM_IN_USE",
        "M_UNSUPPORTED_ROOM_VERSION",
        "M_INVALID_PARAM",
        "M_INVALID_ROOM_STATE",
    ),
)
OPEN_DIRECT_CHAT = Operation(
    name="room.direct",
    http=f"POST {_OURS}/direct",
    request=OpenDirectChat,
    response=InRoom,
    rate=Rate.WRITE,
    errors=("M_NOT_FOUND",),
)
JOIN_ROOM = Operation(
    name="room.join",
    http=f"POST {_ROOM}/join",
    request=JoinRoom,
    response=InRoom,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN",),
)
JOIN_BY_ID_OR_ALIAS = Operation(
    name="room.join_by_alias",
    http=f"POST {_V3}/join/{{id_or_alias}}",
    query=("via",),
    request=JoinByIdOrAlias,
    response=InRoom,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)
KNOCK = Operation(
    name="room.knock",
    http=f"POST {_V3}/knock/{{id_or_alias}}",
    query=("via",),
    request=KnockRoom,
    response=InRoom,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)
LEAVE_ROOM = Operation(
    name="room.leave",
    http=f"POST {_ROOM}/leave",
    request=LeaveRoom,
    response=Empty,
    rate=Rate.WRITE,
)
FORGET_ROOM = Operation(
    name="room.forget",
    http=f"POST {_ROOM}/forget",
    request=ForgetRoom,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_UNKNOWN",),
)
INVITE = Operation(
    name="room.invite",
    http=f"POST {_ROOM}/invite",
    request=Invite,
    response=Empty,
    rate=Rate.INVITE,
    errors=("M_FORBIDDEN",),
)
KICK = Operation(
    name="room.kick",
    http=f"POST {_ROOM}/kick",
    request=Kick,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN",),
)
BAN = Operation(
    name="room.ban",
    http=f"POST {_ROOM}/ban",
    request=Ban,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN",),
)
UNBAN = Operation(
    name="room.unban",
    http=f"POST {_ROOM}/unban",
    request=Unban,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN",),
)
DELETE_ROOM = Operation(
    name="room.delete",
    http=f"POST {_OURS}/rooms/{{room_id}}/delete",
    request=DeleteRoom,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN", "M_INVALID_PARAM"),
)
LIST_JOINED_ROOMS = Operation(
    name="room.list_joined",
    http=f"GET {_V3}/joined_rooms",
    request=ListJoinedRooms,
    response=JoinedRooms,
)
RESOLVE_ALIAS = Operation(
    name="alias.resolve",
    http=f"GET {_V3}/directory/room/{{room_alias}}",
    request=ResolveAlias,
    response=ResolvedAlias,
    access=Access.PUBLIC,
    errors=("M_NOT_FOUND",),
)
CREATE_ALIAS = Operation(
    name="alias.create",
    http=f"PUT {_V3}/directory/room/{{room_alias}}",
    request=CreateAlias,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_UNKNOWN", "M_FORBIDDEN"),
)
DELETE_ALIAS = Operation(
    name="alias.delete",
    http=f"DELETE {_V3}/directory/room/{{room_alias}}",
    request=DeleteAlias,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_NOT_FOUND", "M_FORBIDDEN"),
)
LIST_ALIASES = Operation(
    name="alias.list",
    http=f"GET {_ROOM}/aliases",
    request=ListAliases,
    response=Aliases,
    errors=("M_FORBIDDEN",),
)
LIST_PUBLIC_ROOMS = Operation(
    name="directory.list",
    http=f"GET {_V3}/publicRooms",
    request=ListPublicRooms,
    response=PublicRooms,
    access=Access.PUBLIC,
)
SEARCH_PUBLIC_ROOMS = Operation(
    name="directory.search",
    http=f"POST {_V3}/publicRooms",
    query=("server",),
    request=SearchPublicRooms,
    response=PublicRooms,
    rate=Rate.SEARCH,
)
GET_VISIBILITY = Operation(
    name="directory.get_visibility",
    http=f"GET {_V3}/directory/list/room/{{room_id}}",
    request=GetVisibility,
    response=Visibility,
    access=Access.PUBLIC,
    errors=("M_NOT_FOUND",),
)
SET_VISIBILITY = Operation(
    name="directory.set_visibility",
    http=f"PUT {_V3}/directory/list/room/{{room_id}}",
    request=SetVisibility,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)

OPERATIONS = (
    CREATE_ROOM,
    OPEN_DIRECT_CHAT,
    JOIN_ROOM,
    JOIN_BY_ID_OR_ALIAS,
    KNOCK,
    LEAVE_ROOM,
    FORGET_ROOM,
    INVITE,
    KICK,
    BAN,
    UNBAN,
    DELETE_ROOM,
    LIST_JOINED_ROOMS,
    RESOLVE_ALIAS,
    CREATE_ALIAS,
    DELETE_ALIAS,
    LIST_ALIASES,
    LIST_PUBLIC_ROOMS,
    SEARCH_PUBLIC_ROOMS,
    GET_VISIBILITY,
    SET_VISIBILITY,
)
