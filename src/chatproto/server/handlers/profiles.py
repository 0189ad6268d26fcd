"""Profiles, presence, the search of users."""

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
    Reads,
    Row,
    SetUserPresence,
    Update,
    View,
    needs_nothing,
)
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft
from chatproto.ids import RoomId, UserId, parse_mxc
from chatproto.operations import profiles as ops
from chatproto.operations.declare import Empty
from chatproto.server.handlers.sessions import require_self

MAX_NAME_BYTES = 256
MAX_STATUS_BYTES = 1024
_PRESENCES = ("online", "unavailable", "offline")


async def get_profile(reading: Any, request: ops.GetProfile) -> ops.Profile:
    user = await _user(reading, request.user_id)
    return ops.Profile(displayname=user["display_name"], avatar_url=user["avatar_url"])


async def get_display_name(
    reading: Any, request: ops.GetDisplayName
) -> ops.DisplayName:
    user = await _user(reading, request.user_id)
    return ops.DisplayName(displayname=user["display_name"])


async def get_avatar_url(reading: Any, request: ops.GetAvatarUrl) -> ops.AvatarUrl:
    user = await _user(reading, request.user_id)
    return ops.AvatarUrl(avatar_url=user["avatar_url"])


async def _user(reading: Any, user_id: UserId) -> Row:
    rows = await reading.find(Find(table="users", where={"user_id": user_id}))
    if not rows or rows[0]["is_deactivated"]:
        raise MatrixError("M_NOT_FOUND", f"no user {user_id[:60]} here")
    row: Row = rows[0]
    return row


async def own_rooms(
    reading: Any,
    caller: Caller,
    request: ops.SetDisplayName | ops.SetAvatarUrl,
) -> tuple[RoomId, ...]:
    require_self(caller, request.user_id)
    members = await reading.store.memberships(request.user_id)
    return tuple(m.room_id for m in members if m.membership == "join")


def set_display_name(view: View, request: ops.SetDisplayName) -> Decision:
    name = request.displayname
    if name is not None and len(name.encode()) > MAX_NAME_BYTES:
        raise MatrixError("M_TOO_LARGE", f"a name has at most {MAX_NAME_BYTES} bytes")
    return _set(view, "display_name", "displayname", name)


def set_avatar_url(view: View, request: ops.SetAvatarUrl) -> Decision:
    url = request.avatar_url or None
    return _set(view, "avatar_url", "avatar_url", parse_mxc(url) if url else None)


def _set(view: View, column: str, key: str, value: str | None) -> Decision:
    """Change the account, and the member event of every room one is in."""
    user_id = view.caller.user
    update = Update(table="users", where={"user_id": user_id}, set={column: value})
    appends = []
    for room_id in view.prepared:
        room = view.rooms.get(room_id)
        if room is None or room.state.membership(user_id) != "join":
            continue
        content = dict(room.state.content("m.room.member", user_id))
        if content.get(key) == value:
            continue
        content[key] = value
        if value is None:
            del content[key]
        draft = EventDraft("m.room.member", content, user_id, user_id)
        appends.append(Append(room_id=room_id, drafts=(draft,)))
    return Decision(append=tuple(appends), writes=(update,), reply=Empty())


async def get_presence(reading: Any, request: ops.GetPresence) -> ops.PresenceState:
    user_id = request.user_id
    if user_id != reading.caller.user:
        shared = await reading.store.shared_users(reading.caller.user)
        if user_id not in shared:
            raise MatrixError("M_FORBIDDEN", "you share no room with this user")
    content = reading.engine.ephemeral.presence(user_id).content(reading.now_ms)
    expires_in_ms = content.pop("org.chatproto.expires_in_ms", None)
    return ops.PresenceState(**content, expires_in_ms=expires_in_ms)


async def prepare_presence(
    reading: Any,
    caller: Caller,
    request: ops.SetPresence,
) -> tuple[RoomId, ...]:
    require_self(caller, request.user_id)
    return tuple(await reading.engine.joined_rooms(caller.user))


def set_presence(view: View, request: ops.SetPresence) -> Decision:
    if request.presence not in _PRESENCES:
        known = ", ".join(_PRESENCES)
        raise MatrixError("M_INVALID_PARAM", f"presence is one of {known}")
    status = request.status_msg or None
    if status is not None and len(status.encode()) > MAX_STATUS_BYTES:
        raise MatrixError(
            "M_TOO_LARGE", f"a status has at most {MAX_STATUS_BYTES} bytes"
        )
    expires = request.expires_in_ms
    expires_ms = None if expires is None or status is None else view.now_ms + expires
    stored: JsonObject = {"status_msg": status, "status_expires_ts": expires_ms}
    where = {"user_id": view.caller.user}
    effect = SetUserPresence(
        user_id=view.caller.user,
        presence=request.presence,
        status_msg=status,
        expires_ms=expires_ms,
        rooms=view.prepared,
    )
    update = Update(table="users", where=where, set=stored)
    return Decision(writes=(update,), effects=(effect,), reply=Empty())


async def search_users(reading: Any, request: ops.SearchUsers) -> ops.FoundUsers:
    limit = max(1, min(request.limit, 50))
    rows = await reading.store.search_users(
        reading.caller.user,
        request.search_term,
        limit + 1,
    )
    found = tuple(
        ops.FoundUser(
            user_id=row["user_id"],
            display_name=row["display_name"],
            avatar_url=row["avatar_url"],
        )
        for row in rows[:limit]
    )
    return ops.FoundUsers(results=found, limited=len(rows) > limit)


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.GET_PROFILE, get_profile),
    Reads(ops.GET_DISPLAY_NAME, get_display_name),
    Decides(ops.SET_DISPLAY_NAME, set_display_name, needs_nothing, own_rooms, tuple),
    Reads(ops.GET_AVATAR_URL, get_avatar_url),
    Decides(ops.SET_AVATAR_URL, set_avatar_url, needs_nothing, own_rooms, tuple),
    Reads(ops.GET_PRESENCE, get_presence),
    Decides(ops.SET_PRESENCE, set_presence, prepare=prepare_presence),
    Reads(ops.SEARCH_USERS, search_users),
)
