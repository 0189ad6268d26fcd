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
from chatproto.ids import RoomId, UserId, parse_user_id, room_id_from
from chatproto.operations import rooms as ops
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
    for room_id in _marked(mine, other):
        room = view.rooms.get(room_id)
        if room is not None and _is_between(room.state, caller, other):
            return Decision(reply=ops.InRoom(room_id=room_id))
    room_id = room_id_from(view.random(18), view.server)
    profiles = Profiles({u: view.rows[u][0] for u in (caller, other)})
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


def _is_between(state: Any, caller: UserId, other: UserId) -> bool:
    there = state.membership(other) in ("join", "invite")
    return state.membership(caller) == "join" and there


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
