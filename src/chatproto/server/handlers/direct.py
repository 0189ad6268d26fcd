"""Direct chats: found, or made and marked for both."""

from __future__ import annotations

from typing import Any

from chatproto.canonical import JsonObject
from chatproto.decisions import (
    Append,
    Caller,
    Decides,
    Decision,
    Find,
    Handler,
    Needs,
    PutAccountData,
    View,
)
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft
from chatproto.ids import RoomId, UserId, parse_user_id, room_id_from
from chatproto.operations import rooms as ops
from chatproto.rooms.state import RoomState
from chatproto.rooms.timeline import Timeline
from chatproto.rooms.version import V11
from chatproto.server.handlers.creation import first_events
from chatproto.server.handlers.rooms import Profiles, require_local_user


async def prepare_direct(
    reading: Any,
    caller: Caller,
    request: ops.OpenDirectChat,
) -> tuple[RoomId, ...]:
    """The rooms that may be the one."""
    content = await reading.store.account_datum(caller.user, None, "m.direct")
    return tuple(_marked(content or {}, request.user_id))


def needs_direct(caller: Caller, request: ops.OpenDirectChat) -> Needs:
    other = parse_user_id(request.user_id)
    if other == caller.user:
        raise MatrixError("M_INVALID_PARAM", "a direct chat is with somebody else")
    rows = {
        "mine": Find(table="account_data", where=_where(caller.user)),
        "theirs": Find(table="account_data", where=_where(other)),
        caller.user: Find(table="users", where={"user_id": caller.user}),
        other: Find(table="users", where={"user_id": other}),
    }
    return Needs(rows=rows)


def _where(user_id: UserId) -> JsonObject:
    return {"user_id": user_id, "room_id": "", "type": "m.direct"}


def open_direct_chat(view: View, request: ops.OpenDirectChat) -> Decision:
    caller, other = view.caller.user, request.user_id
    require_local_user(view, other, view.row(other))
    mine, theirs = _direct(view, "mine"), _direct(view, "theirs")
    profiles = Profiles({u: view.rows[u][0] for u in (caller, other)})
    for room_id in _marked(mine, other):
        if room_id not in view.prepared:
            # It was marked a moment ago, by a call at the same time as this one.
            return Decision(reply=ops.InRoom(room_id=room_id))
        room = view.rooms.get(room_id)
        if room is not None and _is_between(room.state, caller, other):
            return _enter(room, caller, profiles)
    room_id = room_id_from(view.random(18), view.server)
    drafts = first_events(
        ops.CreateRoom(preset="trusted_private_chat", is_direct=True),
        caller,
        V11,
        profile=profiles.member(caller),
        invited=[(other, profiles.member(other))],
        alias=None,
    )
    return Decision(
        append=(Append(room_id=room_id, drafts=drafts, create=V11),),
        writes=(
            _mark(caller, mine, other, room_id),
            _mark(other, theirs, caller, room_id),
        ),
        reply=ops.InRoom(room_id=room_id),
    )


def _is_between(state: RoomState, caller: UserId, other: UserId) -> bool:
    return all(state.membership(user) in ("join", "invite") for user in (caller, other))


def _enter(room: Timeline, caller: UserId, profiles: Profiles) -> Decision:
    """The chat, to which an invitation is hereby accepted."""
    reply = ops.InRoom(room_id=room.room_id)
    if room.state.membership(caller) == "join":
        return Decision(reply=reply)
    content = {**profiles.member(caller), "membership": "join"}
    draft = EventDraft("m.room.member", content, caller, caller)
    return Decision(
        append=(Append(room_id=room.room_id, drafts=(draft,)),), reply=reply
    )


def _direct(view: View, name: str) -> JsonObject:
    row = view.row(name)
    content: JsonObject = row["content"] if row else {}
    return content


def _marked(content: JsonObject, user_id: UserId) -> list[RoomId]:
    rooms = content.get(user_id, [])
    known = rooms if isinstance(rooms, list) else []
    return [RoomId(room_id) for room_id in known if isinstance(room_id, str)]


def _mark(
    user_id: UserId,
    content: JsonObject,
    other: UserId,
    room_id: RoomId,
) -> PutAccountData:
    rooms = [*_marked(content, other), room_id]
    return PutAccountData(
        user_id=user_id,
        type="m.direct",
        content={**content, other: rooms},
    )


HANDLERS: tuple[Handler, ...] = (
    Decides(
        ops.OPEN_DIRECT_CHAT, open_direct_chat, needs_direct, prepare_direct, tuple
    ),
)
