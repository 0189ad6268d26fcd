"""What only who knows the password may do: changing it, closing the account."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import (
    Append,
    Caller,
    Decides,
    Decision,
    EndSessions,
    Find,
    Handler,
    Needs,
    Update,
    View,
)
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft
from chatproto.ids import RoomId
from chatproto.operations import accounts as ops
from chatproto.operations.declare import Empty
from chatproto.server.handlers.sessions import end_devices, find_user, joined_rooms
from chatproto.server.passwords import check_new_password

_LEAVES = ("join", "invite", "knock")


@frozen
class _NewPassword:
    hash: str


async def prepare_change_password(
    reading: Any,
    caller: Caller,
    request: ops.ChangePassword,
) -> _NewPassword:
    await require_password(reading, caller, request.auth)
    check_new_password(request.new_password)
    return _NewPassword(await reading.engine.passwords.hash(request.new_password))


async def require_password(
    reading: Any,
    caller: Caller,
    auth: JsonObject | None,
) -> None:
    """Prove who one is once more. Raises MatrixError: 401 with the flows, or 403."""
    auth = auth or {}
    password = auth.get("password")
    if auth.get("type") == "m.login.password" and isinstance(password, str):
        user = await find_user(reading, caller.user)
        stored = user["password_hash"] if user else None
        if await reading.engine.passwords.verify(stored, password):
            return
        errcode, error = "M_FORBIDDEN", "wrong password"
    else:
        errcode, error = "M_UNAUTHORIZED", "the password is needed for this"
    raise MatrixError(
        errcode,
        error,
        status=401,
        extra={
            "flows": [{"stages": ["m.login.password"]}],
            "params": {},
            "session": auth.get("session") or reading.engine.random(12).hex(),
            "completed": [],
        },
    )


def change_password(view: View, request: ops.ChangePassword) -> Decision:
    user, device = view.caller.user, view.caller.device_id
    new: _NewPassword = view.prepared
    update = Update(
        table="users",
        where={"user_id": user},
        set={"password_hash": new.hash},
    )
    if not request.logout_devices:
        return Decision(writes=(update,), reply=Empty())
    others = [r["device_id"] for r in view.rows["devices"] if r["device_id"] != device]
    return Decision(
        writes=(update, *end_devices(view, user, others)),
        effects=(EndSessions(user_id=user, keep=device),),
        reply=Empty(),
    )


def own_devices(caller: Caller, _request: object) -> Needs:
    where = {"user_id": caller.user}
    rows = {"devices": Find(table="devices", where=where)}
    return Needs(rows=rows, joined=(caller.user,))


async def prepare_deactivate(
    reading: Any,
    caller: Caller,
    request: ops.Deactivate,
) -> tuple[RoomId, ...]:
    """The rooms that the account is in, or on the threshold of."""
    await require_password(reading, caller, request.auth)
    members = await reading.store.memberships(caller.user)
    return tuple(m.room_id for m in members if m.membership in _LEAVES)


def deactivate(view: View, request: ops.Deactivate) -> Decision:
    user = view.caller.user
    leave = EventDraft("m.room.member", {"membership": "leave"}, user, user)
    left = [r for r in view.prepared if view.room(r).state.membership(user) in _LEAVES]
    gone: JsonObject = {"is_deactivated": 1, "password_hash": None}
    if request.erase:
        gone |= {"display_name": None, "avatar_url": None}
    return Decision(
        append=tuple(Append(room_id=room_id, drafts=(leave,)) for room_id in left),
        writes=(
            Update(table="users", where={"user_id": user}, set=gone),
            *end_devices(view, user),
        ),
        effects=(EndSessions(user_id=user),),
        reply=ops.Deactivated(id_server_unbind_result="success"),
    )


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.CHANGE_PASSWORD, change_password, own_devices, prepare_change_password),
    Decides(ops.DEACTIVATE, deactivate, joined_rooms, prepare_deactivate, tuple),
)
