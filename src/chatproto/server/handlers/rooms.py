"""Creating and deleting rooms."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import (
    Append,
    Caller,
    Decides,
    Decision,
    Delete,
    Find,
    Handler,
    Needs,
    Put,
    Reads,
    Row,
    SetTypingUntil,
    Update,
    View,
)
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft
from chatproto.ids import (
    RoomAlias,
    RoomId,
    UserId,
    parse_event_type,
    parse_room_alias,
    parse_user_id,
    room_id_from,
    server_name,
)
from chatproto.operations import rooms as ops
from chatproto.operations.declare import Empty
from chatproto.rooms.power_levels import PowerLevels
from chatproto.rooms.timeline import Timeline
from chatproto.rooms.version import V11, offered_version
from chatproto.server.handlers.creation import first_events

MAX_INVITES = 100


@frozen
class Profiles:
    """Profiles of users of this server, for their member events."""

    rows: dict[str, Row]

    def member(self, user_id: UserId) -> JsonObject:
        row = self.rows.get(user_id)
        if row is None:
            return {}
        profile = {"displayname": row["display_name"], "avatar_url": row["avatar_url"]}
        return {key: value for key, value in profile.items() if value is not None}


def needs_profiles(caller: Caller, request: ops.CreateRoom) -> Needs:
    if len(request.invite) > MAX_INVITES:
        raise MatrixError("M_TOO_LARGE", f"at most {MAX_INVITES} people at once")
    users = dict.fromkeys([caller.user, *map(parse_user_id, request.invite)])
    rows: dict[str, Find] = {
        u: Find(table="users", where={"user_id": u}) for u in users
    }
    where = {"alias": _alias_text(request, caller)}
    return Needs(rows={**rows, "alias": Find(table="aliases", where=where)})


def _alias_text(request: ops.CreateRoom, caller: Caller) -> str:
    if request.room_alias_name is None:
        return ""
    return f"#{request.room_alias_name}:{server_name(caller.user)}"


def create_room(view: View, request: ops.CreateRoom) -> Decision:
    caller = view.caller.user
    version = offered_version(request.room_version or V11.id)
    _check_state(view, request)
    profiles = Profiles({name: rows[0] for name, rows in view.rows.items() if rows})
    invited = tuple(u for u in dict.fromkeys(request.invite) if u != caller)
    for user_id in invited:
        require_local_user(view, user_id, profiles.rows.get(user_id))
    alias = _new_alias(view, request)
    room_id = room_id_from(view.random(18), view.server)
    drafts = first_events(
        evolve(request, invite=invited),
        caller,
        version,
        profile=profiles.member(caller),
        invited=[(user_id, profiles.member(user_id)) for user_id in invited],
        alias=alias,
    )
    writes = []
    if alias is not None:
        row = {"alias": alias, "room_id": room_id, "creator": caller}
        writes.append(Put(table="aliases", row=row))
    update = []
    if request.visibility == "public":
        where = {"room_id": room_id}
        update.append(Update(table="rooms", where=where, set={"is_public": 1}))
    return Decision(
        append=(Append(room_id=room_id, drafts=drafts, create=version),),
        writes=(*writes, *update),
        reply=ops.InRoom(room_id=room_id),
    )


def _check_state(view: View, request: ops.CreateRoom) -> None:
    for state in request.initial_state:
        view.registry.parse(parse_event_type(state.type), state.content)
        if (
            state.type == "m.room.member"
            and server_name(state.state_key) != view.server
        ):
            raise MatrixError(
                "M_FORBIDDEN", "people of other servers cannot be here yet"
            )


def require_local_user(view: View, user_id: UserId, row: Row | None) -> None:
    """Raises MatrixError for a user who cannot be invited."""
    if server_name(user_id) != view.server:
        raise MatrixError(
            "M_FORBIDDEN", "people of other servers cannot be invited yet"
        )
    if row is None or row["is_deactivated"]:
        raise MatrixError("M_NOT_FOUND", f"no user {user_id[:60]} here")


def _new_alias(view: View, request: ops.CreateRoom) -> RoomAlias | None:
    text = _alias_text(request, view.caller)
    if not text:
        return None
    alias = parse_room_alias(text)
    if view.rows["alias"]:
        raise MatrixError("M_ROOM_IN_USE", f"the alias {alias} is taken")
    return alias


def needs_room(_caller: Caller, request: ops.DeleteRoom) -> Needs:
    return Needs(rooms=(request.room_id,))


def delete_room(view: View, request: ops.DeleteRoom) -> Decision:
    if request.scope not in ("me", "all"):
        raise MatrixError("M_INVALID_PARAM", "scope is me or all")
    room = require_concerned(view, request.room_id)
    if request.scope == "all":
        return _delete_for_all(view, room)
    return forget(view, room.room_id, leave=True)


def require_concerned(view: View, room_id: RoomId) -> Timeline:
    """The room, if the caller is or was in it, is asked or asks to be let in.

    Raises MatrixError M_FORBIDDEN, the same for a room that there is not.
    """
    room = view.rooms.get(room_id)
    if room is None or room.state.get("m.room.member", view.caller.user) is None:
        raise MatrixError("M_FORBIDDEN", f"you are not in the room {room_id[:60]}")
    return room


def forget(view: View, room_id: RoomId, *, leave: bool) -> Decision:
    """Leave, if one is still in it, and take the room out of one's lists."""
    user_id = view.caller.user
    membership = view.room(room_id).state.membership(user_id)
    appends: tuple[Append, ...] = ()
    if membership in ("join", "invite", "knock"):
        if not leave:
            raise MatrixError("M_UNKNOWN", "leave the room before you forget it")
        draft = EventDraft("m.room.member", {"membership": "leave"}, user_id, user_id)
        appends = (Append(room_id=room_id, drafts=(draft,)),)
    where = {"user_id": user_id, "room_id": room_id}
    write = Update(table="memberships", where=where, set={"forgotten": 1})
    silent = SetTypingUntil(room_id=room_id, user_id=user_id, until_ms=None)
    return Decision(append=appends, writes=(write,), effects=(silent,), reply=Empty())


def _delete_for_all(view: View, room: Timeline) -> Decision:
    """End the room: a tombstone, no way in, then everybody leaves, the caller last."""
    caller = view.caller.user
    levels = PowerLevels.of(room.state, room.version)
    ends = ("m.room.tombstone", "m.room.join_rules")
    needed = max(levels.kick, *(levels.required(e, is_state=True) for e in ends))
    if room.state.membership(caller) != "join" or levels.user(caller) < needed:
        raise MatrixError(
            "M_FORBIDDEN",
            f"deleting a chat for everyone needs power level {needed} in it",
        )
    others = [
        *room.state.members("join"),
        *room.state.members("invite"),
        *room.state.members("knock"),
    ]
    drafts = [
        EventDraft("m.room.tombstone", {"body": "This chat was deleted"}, caller, ""),
        EventDraft("m.room.join_rules", {"join_rule": "invite"}, caller, ""),
        *(_departure(levels, caller, user) for user in others if user != caller),
        _departure(levels, caller, caller),
    ]
    room_id = room.room_id
    return Decision(
        append=(Append(room_id=room_id, drafts=tuple(drafts)),),
        writes=(
            Update(
                table="memberships", where={"room_id": room_id}, set={"forgotten": 1}
            ),
            Update(table="rooms", where={"room_id": room_id}, set={"is_public": 0}),
            Delete(table="aliases", where={"room_id": room_id}),
        ),
        reply=Empty(),
    )


def _departure(levels: PowerLevels, caller: UserId, user: UserId) -> EventDraft:
    """The rules let nobody put out an equal, as two in a direct chat are: these leave."""
    is_below = levels.user(user) < levels.user(caller)
    local = server_name(user) == server_name(caller)
    sender = user if local and not is_below else caller
    content = {"membership": "leave", "reason": "the chat was deleted"}
    return EventDraft("m.room.member", content, sender, user)


async def list_joined(reading: Any, _request: ops.ListJoinedRooms) -> ops.JoinedRooms:
    members = await reading.store.memberships(reading.caller.user)
    joined = tuple(m.room_id for m in members if m.membership == "join")
    return ops.JoinedRooms(joined_rooms=joined)


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.CREATE_ROOM, create_room, needs_profiles),
    Decides(ops.DELETE_ROOM, delete_room, needs_room),
    Reads(ops.LIST_JOINED_ROOMS, list_joined),
)
