"""Aliases and the public directory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Delete,
    Find,
    Handler,
    Needs,
    Put,
    Reads,
    Update,
    View,
)
from chatproto.errors import MatrixError
from chatproto.ids import RoomAlias, RoomId, UserId, parse_room_alias, server_name
from chatproto.operations import rooms as ops
from chatproto.operations.declare import Empty
from chatproto.rooms.power_levels import PowerLevels
from chatproto.rooms.state import RoomState
from chatproto.rooms.timeline import Timeline
from chatproto.server.guests import lets_guests_in

MAX_PAGE = 100
# So many rooms are looked at for their type: it is in their state only.
MAX_TYPED = 1_000


async def resolve_alias(reading: Any, request: ops.ResolveAlias) -> ops.ResolvedAlias:
    alias = parse_room_alias(request.room_alias)
    rows = await reading.find(Find(table="aliases", where={"alias": alias}))
    if not rows:
        raise MatrixError("M_NOT_FOUND", f"no room has the alias {alias[:60]}")
    return ops.ResolvedAlias(room_id=rows[0]["room_id"], servers=(reading.server,))


def needs_alias(_caller: Caller, request: ops.CreateAlias | ops.DeleteAlias) -> Needs:
    alias = parse_room_alias(request.room_alias)
    rows = {"alias": Find(table="aliases", where={"alias": alias})}
    room_id = getattr(request, "room_id", None)
    return Needs(rooms=() if room_id is None else (room_id,), rows=rows)


def create_alias(view: View, request: ops.CreateAlias) -> Decision:
    alias = request.room_alias
    if server_name(alias) != view.server:
        raise MatrixError("M_INVALID_PARAM", f"aliases here end in :{view.server}")
    if view.row("alias") is not None:
        raise MatrixError("M_UNKNOWN", f"the alias {alias[:60]} is taken", status=409)
    _require_member(view, request.room_id)
    user_id = view.caller.user
    row = {"alias": alias, "room_id": request.room_id, "creator": user_id}
    return Decision(writes=(Put(table="aliases", row=row),), reply=Empty())


def _require_member(view: View, room_id: RoomId) -> None:
    room = view.rooms.get(room_id)
    if room is None or room.state.membership(view.caller.user) != "join":
        raise MatrixError("M_FORBIDDEN", f"you are not in the room {room_id[:60]}")


async def alias_room(
    reading: Any,
    _caller: Caller,
    request: ops.DeleteAlias,
) -> tuple[RoomId, ...]:
    where = {"alias": request.room_alias}
    rows = await reading.find(Find(table="aliases", where=where))
    return tuple(RoomId(row["room_id"]) for row in rows)


def delete_alias(view: View, request: ops.DeleteAlias) -> Decision:
    row = view.row("alias")
    if row is None:
        raise MatrixError(
            "M_NOT_FOUND", f"no room has the alias {request.room_alias[:60]}"
        )
    room = view.rooms.get(row["room_id"])
    caller = view.caller
    may = row["creator"] == caller.user or caller.is_admin
    if not may and (room is None or not _keeps_aliases(room, caller.user)):
        raise MatrixError("M_FORBIDDEN", "this alias is not yours")
    delete = Delete(table="aliases", where={"alias": request.room_alias})
    return Decision(writes=(delete,), reply=Empty())


def _keeps_aliases(room: Timeline, user_id: UserId) -> bool:
    """Whether a user is in the room, with the right to say what it is called."""
    levels = PowerLevels.of(room.state, room.version)
    needed = levels.required("m.room.canonical_alias", is_state=True)
    joined = room.state.membership(user_id) == "join"
    return joined and levels.user(user_id) >= needed


async def list_aliases(reading: Any, request: ops.ListAliases) -> ops.Aliases:
    live = await reading.engine.cache.load(request.room_id)
    if live is None or not _shows_aliases(live.timeline.state, reading.caller.user):
        raise MatrixError("M_FORBIDDEN", "you are not in this room")
    where = {"room_id": request.room_id}
    rows = await reading.find(Find(table="aliases", where=where, order=("alias",)))
    return ops.Aliases(aliases=tuple(RoomAlias(row["alias"]) for row in rows))


def _shows_aliases(state: RoomState, user_id: UserId) -> bool:
    readable = state.history_visibility == "world_readable"
    return readable or state.membership(user_id) == "join"


async def list_public(reading: Any, request: ops.ListPublicRooms) -> ops.PublicRooms:
    return await _page(reading, ops.PublicRoomsFilter(), request.since, request.limit)


async def search_public(
    reading: Any, request: ops.SearchPublicRooms
) -> ops.PublicRooms:
    wanted = request.filter or ops.PublicRoomsFilter()
    return await _page(reading, wanted, request.since, request.limit)


async def _page(
    reading: Any,
    wanted: ops.PublicRoomsFilter,
    since: str | None,
    limit: int | None,
) -> ops.PublicRooms:
    size = MAX_PAGE if limit is None else max(1, min(limit, MAX_PAGE))
    offset = _offset(since)
    rooms, total = await _rooms(reading, wanted, offset, size)
    chunk = [await _public_room(reading, room_id) for room_id in rooms]
    more = offset + len(rooms) < total
    return ops.PublicRooms(
        chunk=tuple(chunk),
        next_batch=f"p{offset + len(rooms)}" if more else None,
        prev_batch=f"p{max(0, offset - size)}" if offset else None,
        total_room_count_estimate=total,
    )


async def _rooms(
    reading: Any, wanted: ops.PublicRoomsFilter, offset: int, size: int
) -> tuple[Sequence[RoomId], int]:
    """The rooms of one page, and how many there are."""
    find, types = reading.store.public_rooms, wanted.room_types
    term = wanted.generic_search_term or None
    if types is None:
        found: tuple[Sequence[RoomId], int]
        found = await find(term=term, offset=offset, limit=size)
        return found
    listed, _ = await find(term=term, offset=0, limit=MAX_TYPED)
    rooms = [room for room in listed if await _room_type(reading, room) in types]
    return rooms[offset : offset + size], len(rooms)


async def _room_type(reading: Any, room_id: RoomId) -> object:
    state = (await reading.room(room_id)).state
    return state.content("m.room.create").get("type")


def _offset(since: str | None) -> int:
    if since is None:
        return 0
    if since[:1] != "p" or not since[1:].isdecimal() or len(since) > 12:
        raise MatrixError("M_INVALID_PARAM", "since is not a token of the directory")
    return int(since[1:])


async def _public_room(reading: Any, room_id: RoomId) -> ops.PublicRoom:
    state = (await reading.room(room_id)).state
    return ops.PublicRoom(
        room_id=room_id,
        num_joined_members=len(state.members("join")),
        world_readable=state.history_visibility == "world_readable",
        guest_can_join=lets_guests_in(state),
        name=state.content("m.room.name").get("name"),
        topic=state.content("m.room.topic").get("topic"),
        avatar_url=state.content("m.room.avatar").get("url"),
        canonical_alias=state.content("m.room.canonical_alias").get("alias"),
        join_rule=state.join_rule,
        room_type=state.content("m.room.create").get("type"),
    )


async def get_visibility(reading: Any, request: ops.GetVisibility) -> ops.Visibility:
    room = await reading.store.room(request.room_id)
    if room is None:
        raise MatrixError("M_NOT_FOUND", f"no room {request.room_id[:60]} here")
    return ops.Visibility(visibility="public" if room.is_public else "private")


def needs_room(_caller: Caller, request: ops.SetVisibility) -> Needs:
    return Needs(rooms=(request.room_id,))


def set_visibility(view: View, request: ops.SetVisibility) -> Decision:
    if request.visibility not in ("public", "private"):
        raise MatrixError("M_INVALID_PARAM", "visibility is public or private")
    room = view.room(request.room_id)
    if not view.caller.is_admin and not _keeps_aliases(room, view.caller.user):
        raise MatrixError("M_FORBIDDEN", "only those who name the room may list it")
    write = Update(
        table="rooms",
        where={"room_id": request.room_id},
        set={"is_public": int(request.visibility == "public")},
    )
    return Decision(writes=(write,), reply=Empty())


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.RESOLVE_ALIAS, resolve_alias),
    Decides(ops.CREATE_ALIAS, create_alias, needs_alias),
    Decides(ops.DELETE_ALIAS, delete_alias, needs_alias, alias_room, tuple),
    Reads(ops.LIST_ALIASES, list_aliases),
    Reads(ops.LIST_PUBLIC_ROOMS, list_public),
    Reads(ops.SEARCH_PUBLIC_ROOMS, search_public),
    Reads(ops.GET_VISIBILITY, get_visibility),
    Decides(ops.SET_VISIBILITY, set_visibility, needs_room),
)
