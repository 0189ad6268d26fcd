"""Coming and going: join, knock, invite, leave, kick, ban, unban, forget."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from chatproto.canonical import JsonObject, list_of, object_of
from chatproto.decisions import (
    Append,
    Caller,
    Decides,
    Decision,
    Find,
    Handler,
    Needs,
    Row,
    SetTypingUntil,
    Update,
    View,
)
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft
from chatproto.ids import (
    RoomId,
    UserId,
    parse_room_alias,
    parse_room_id,
    parse_user_id,
    server_name,
)
from chatproto.operations import rooms as ops
from chatproto.operations.declare import Call, Empty
from chatproto.rooms.power_levels import PowerLevels
from chatproto.rooms.state import RoomState
from chatproto.rooms.timeline import Timeline
from chatproto.server.handlers.rooms import (
    Profiles,
    forget,
    require_concerned,
    require_local_user,
)

_ByName = ops.JoinByIdOrAlias | ops.KnockRoom
_RESTRICTED = ("restricted", "knock_restricted")


@frozen
class _Joining:
    """`qualifies` says whether a restricted room's conditions let the caller in."""

    room_id: RoomId
    qualifies: bool = False


def _found(prepared: _Joining) -> tuple[RoomId, ...]:
    return (prepared.room_id,)


async def prepare_by_name(reading: Any, caller: Caller, request: _ByName) -> _Joining:
    """Raises MatrixError M_NOT_FOUND."""
    return await _joining(reading, caller, await resolve(reading, request.id_or_alias))


async def prepare_join(reading: Any, caller: Caller, request: ops.JoinRoom) -> _Joining:
    return await _joining(reading, caller, parse_room_id(request.room_id))


async def _joining(reading: Any, caller: Caller, room_id: RoomId) -> _Joining:
    live = await reading.engine.cache.load(room_id)
    if live is None:
        return _Joining(room_id)
    meets = await meets_condition(reading, live.timeline.state, caller.user)
    return _Joining(room_id, qualifies=meets)


async def meets_condition(reading: Any, state: RoomState, user_id: UserId) -> bool:
    """Whether the room is restricted and the user in a room that opens it to them."""
    for room_id in allowed_rooms(state):
        member = await reading.store.membership(room_id, user_id)
        if member is not None and member.membership == "join":
            return True
    return False


def allowed_rooms(state: RoomState) -> tuple[RoomId, ...]:
    """The rooms whose members may join a restricted one."""
    if state.join_rule not in _RESTRICTED:
        return ()
    rules = list_of(state.content("m.room.join_rules").get("allow"))
    conditions = [object_of(rule) for rule in rules]
    return tuple(
        RoomId(each["room_id"])
        for each in conditions
        if each.get("type") == "m.room_membership"
        and isinstance(each.get("room_id"), str)
    )


async def resolve(reading: Any, id_or_alias: str) -> RoomId:
    if not id_or_alias.startswith("#"):
        return parse_room_id(id_or_alias)
    alias = parse_room_alias(id_or_alias)
    rows = await reading.find(Find(table="aliases", where={"alias": alias}))
    if not rows:
        raise MatrixError("M_NOT_FOUND", f"no room has the alias {alias[:60]}")
    return RoomId(rows[0]["room_id"])


def needs_caller(caller: Caller, _request: Call[Any]) -> Needs:
    rows = {"user": Find(table="users", where={"user_id": caller.user})}
    return Needs(rows=rows)


def join_room(view: View, request: ops.JoinRoom | ops.JoinByIdOrAlias) -> Decision:
    user_id = view.caller.user
    joining: _Joining = view.prepared
    room = view.room(joining.room_id)
    reply = ops.InRoom(room_id=room.room_id)
    if room.state.membership(user_id) == "join":
        return Decision(reply=reply)
    content = _member(view, user_id, "join", view.row("user"), request.reason)
    if joining.qualifies and room.state.membership(user_id) != "invite":
        content["join_authorised_via_users_server"] = _authorizer(view, room)
    draft = EventDraft("m.room.member", content, user_id, user_id)
    shown = Update(
        table="memberships",
        where={"user_id": user_id, "room_id": room.room_id},
        set={"forgotten": 0},
    )
    append = Append(room_id=room.room_id, drafts=(draft,))
    return Decision(append=(append,), writes=(shown,), reply=reply)


def _authorizer(view: View, room: Timeline) -> UserId:
    """A member of this server with the right to invite, the mightiest first."""
    levels = PowerLevels.of(room.state, room.version)
    local = [u for u in room.state.members("join") if server_name(u) == view.server]
    mighty = max(local, key=levels.user, default=None)
    if mighty is None or levels.user(mighty) < levels.invite:
        raise MatrixError("M_FORBIDDEN", "nobody of this server can let you in")
    return mighty


def knock(view: View, request: ops.KnockRoom) -> Decision:
    user_id = view.caller.user
    room_id: RoomId = view.prepared.room_id
    view.room(room_id)
    content = _member(view, user_id, "knock", view.row("user"), request.reason)
    draft = EventDraft("m.room.member", content, user_id, user_id)
    append = Append(room_id=room_id, drafts=(draft,))
    return Decision(append=(append,), reply=ops.InRoom(room_id=room_id))


def needs_room(_caller: Caller, request: Call[Any]) -> Needs:
    room_id: RoomId = request.room_id  # type: ignore[attr-defined]  # all have one
    return Needs(rooms=(room_id,))


def leave_room(view: View, request: ops.LeaveRoom) -> Decision:
    user_id = view.caller.user
    room = require_concerned(view, request.room_id)
    if room.state.membership(user_id) == "leave":
        return Decision(reply=Empty())
    return _set(view, request.room_id, user_id, "leave", request.reason)


def forget_room(view: View, request: ops.ForgetRoom) -> Decision:
    require_concerned(view, request.room_id)
    return forget(view, request.room_id, leave=False)


def needs_other(_caller: Caller, request: ops.Invite) -> Needs:
    other = parse_user_id(request.user_id)
    rows = {"user": Find(table="users", where={"user_id": other})}
    return Needs(rooms=(request.room_id,), rows=rows)


def invite(view: View, request: ops.Invite) -> Decision:
    room = require_concerned(view, request.room_id)
    user_id = request.user_id
    row = view.row("user")
    require_local_user(view, user_id, row)
    if room.state.membership(user_id) == "invite":
        return Decision(reply=Empty())
    content = _member(view, user_id, "invite", row, request.reason)
    direct = room.state.content("m.room.member", view.caller.user).get("is_direct")
    if direct:
        content["is_direct"] = True
    draft = EventDraft("m.room.member", content, view.caller.user, user_id)
    shown = Update(
        table="memberships",
        where={"user_id": user_id, "room_id": request.room_id},
        set={"forgotten": 0},
    )
    append = Append(room_id=request.room_id, drafts=(draft,))
    return Decision(append=(append,), writes=(shown,), reply=Empty())


def kick(view: View, request: ops.Kick) -> Decision:
    room = require_concerned(view, request.room_id)
    membership = room.state.membership(parse_user_id(request.user_id))
    if membership not in ("join", "invite", "knock"):
        raise MatrixError("M_FORBIDDEN", f"{request.user_id[:60]} is not in the room")
    return _set(view, request.room_id, request.user_id, "leave", request.reason)


def ban(view: View, request: ops.Ban) -> Decision:
    require_concerned(view, request.room_id)
    user_id = parse_user_id(request.user_id)
    return _set(view, request.room_id, user_id, "ban", request.reason)


def unban(view: View, request: ops.Unban) -> Decision:
    room = require_concerned(view, request.room_id)
    if room.state.membership(parse_user_id(request.user_id)) != "ban":
        raise MatrixError("M_FORBIDDEN", f"{request.user_id[:60]} is not banned")
    return _set(view, request.room_id, request.user_id, "leave", request.reason)


def _set(
    view: View,
    room_id: RoomId,
    user_id: UserId,
    membership: str,
    reason: str | None,
) -> Decision:
    content: JsonObject = {"membership": membership}
    if reason is not None:
        content["reason"] = reason
    draft = EventDraft("m.room.member", content, view.caller.user, user_id)
    append = Append(room_id=room_id, drafts=(draft,))
    # Nobody waits for the words of who has gone.
    silent = SetTypingUntil(room_id=room_id, user_id=user_id, until_ms=None)
    return Decision(append=(append,), effects=(silent,), reply=Empty())


def _member(
    view: View,
    user_id: UserId,
    membership: str,
    row: Row | None,
    reason: str | None,
) -> JsonObject:
    profile = Profiles({user_id: row}).member(user_id) if row else {}
    content: JsonObject = {**profile, "membership": membership}
    if reason is not None:
        content["reason"] = reason
    return content


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.JOIN_ROOM, join_room, needs_caller, prepare_join, _found),
    Decides(ops.JOIN_BY_ID_OR_ALIAS, join_room, needs_caller, prepare_by_name, _found),
    Decides(ops.KNOCK, knock, needs_caller, prepare_by_name, _found),
    Decides(ops.LEAVE_ROOM, leave_room, needs_room),
    Decides(ops.FORGET_ROOM, forget_room, needs_room),
    Decides(ops.INVITE, invite, needs_other),
    Decides(ops.KICK, kick, needs_room),
    Decides(ops.BAN, ban, needs_room),
    Decides(ops.UNBAN, unban, needs_room),
)
