"""Logging in and out, and who one is."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    EndSessions,
    Find,
    Handler,
    Reads,
    Row,
    View,
)
from chatproto.errors import MatrixError
from chatproto.operations import accounts as ops
from chatproto.operations.declare import Empty
from chatproto.server.appservices.admission import APPSERVICE_LOGIN
from chatproto.server.handlers.appservices import require_own_user
from chatproto.server.handlers.login_tokens import (
    TOKEN_LOGIN,
    find_token,
    token_of_login,
    used_up,
)
from chatproto.server.handlers.sessions import (
    end_devices,
    find_user,
    joined_rooms,
    log_in,
)
from chatproto.server.tokens import (
    TICKET_LIFE_MS,
)


async def login_flows(reading: Any, _request: ops.GetLoginFlows) -> ops.LoginFlows:
    flows = [
        ops.LoginFlow(type="m.login.password"),
        ops.LoginFlow(type=TOKEN_LOGIN, get_login_token=True),
    ]
    if reading.engine.settings.appservices:
        flows.append(ops.LoginFlow(type=APPSERVICE_LOGIN))
    return ops.LoginFlows(flows=tuple(flows))


@frozen
class _Proved:
    """What preparing a log-in found: the user's row, if the proof was right."""

    user: Row | None
    life_ms: int


async def prepare_login(reading: Any, caller: Caller, request: ops.Login) -> _Proved:
    if request.type not in ("m.login.password", TOKEN_LOGIN, APPSERVICE_LOGIN):
        raise MatrixError("M_UNKNOWN", f"no log-in of type {request.type[:60]!r} here")
    life_ms = reading.engine.settings.access_token_life_ms
    if request.type == TOKEN_LOGIN:
        tokens = await reading.find(find_token(request))
        user = await find_user(reading, tokens[0]["user_id"]) if tokens else None
        return _Proved(user, life_ms)
    name = _login_name(request)
    where = {"user_id": _full_id(name, reading.server)}
    rows = await reading.find(Find(table="users", where=where))
    if request.type == APPSERVICE_LOGIN:
        require_own_user(reading.engine.appservices, caller, where["user_id"])
        return _Proved(rows[0] if rows else None, life_ms)
    # Counted by account and address, before hashing, so that nobody's guesses
    # lock another out.
    reading.engine.limits.take(
        ops.LOGIN.rate,
        f"{where['user_id']} {caller.address}",
        reading.engine.clock.monotonic(),
    )
    stored = rows[0]["password_hash"] if rows else None
    right = await reading.engine.passwords.verify(stored, request.password)
    return _Proved(rows[0] if right else None, life_ms)


def _login_name(request: ops.Login) -> str:
    identifier = request.identifier
    if identifier is None:
        name: object = request.user
    elif identifier.get("type") == "m.id.user":
        name = identifier.get("user")
    else:
        raise MatrixError("M_UNKNOWN", "only an identifier of type m.id.user is known")
    if not isinstance(name, str):
        raise MatrixError("M_MISSING_PARAM", "identifier.user is missing")
    return name


def _full_id(name: str, server: str) -> str:
    return name if name.startswith("@") else f"@{name.lower()}:{server}"


def login(view: View, request: ops.Login) -> Decision:
    proved: _Proved = view.prepared
    user = proved.user
    if user is None or not _token_holds(view, request):
        raise MatrixError("M_FORBIDDEN", "wrong user name, password or token")
    _require_usable(user)
    answer, writes = log_in(
        view,
        user["user_id"],
        device_id=request.device_id,
        display_name=request.initial_device_display_name,
        refreshable=request.refresh_token,
        life_ms=proved.life_ms,
    )
    # A device that logs in again is a new session: whoever held the old one leaves.
    ended = EndSessions(user_id=user["user_id"], devices=(answer.device_id,))
    spent = (used_up(view.rows["token"][0]),) if request.type == TOKEN_LOGIN else ()
    return Decision(writes=(*spent, *writes), effects=(ended,), reply=answer)


def _token_holds(view: View, request: ops.Login) -> bool:
    if request.type != TOKEN_LOGIN:
        return True
    token = view.row("token")
    return token is not None and token["expires_ts"] > view.now_ms


def _require_usable(user: Row) -> None:
    if user["is_deactivated"]:
        raise MatrixError("M_USER_DEACTIVATED", "this account has been closed")
    if user["is_locked"]:
        raise MatrixError("M_USER_LOCKED", "this account is locked")


def logout(view: View, _request: ops.Logout) -> Decision:
    user, device = view.caller.user, view.caller.device
    return Decision(
        writes=end_devices(view, user, (device,)),
        effects=(EndSessions(user_id=user, devices=(device,)),),
        reply=Empty(),
    )


def logout_all(view: View, _request: ops.LogoutAll) -> Decision:
    return Decision(
        writes=end_devices(view, view.caller.user),
        effects=(EndSessions(user_id=view.caller.user),),
        reply=Empty(),
    )


async def whoami(reading: Any, _request: ops.WhoAmI) -> ops.Identity:
    caller = reading.caller
    return ops.Identity(
        user_id=caller.user,
        device_id=caller.device_id,
        is_guest=caller.is_guest,
        is_admin=caller.is_admin or None,
    )


async def prepare_ticket(reading: Any, caller: Caller, _request: object) -> str:
    engine = reading.engine
    ticket: str = engine.tickets.issue(caller, reading.now_ms, engine.random(24))
    return ticket


def make_ticket(view: View, _request: ops.MakeTicket) -> Decision:
    return Decision(
        reply=ops.Ticket(ticket=view.prepared, expires_in_ms=TICKET_LIFE_MS)
    )


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.LIST_LOGIN_FLOWS, login_flows),
    Decides(ops.LOGIN, login, token_of_login, prepare_login),
    Decides(ops.LOGOUT, logout, joined_rooms),
    Decides(ops.LOGOUT_ALL, logout_all, joined_rooms),
    Reads(ops.WHOAMI, whoami),
    Decides(ops.MAKE_TICKET, make_ticket, prepare=prepare_ticket),
)
