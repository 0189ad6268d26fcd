"""Accounts: registering, logging in and out, passwords."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Delete,
    EndSessions,
    Find,
    Handler,
    Needs,
    Put,
    Reads,
    Row,
    Update,
    View,
)
from chatproto.errors import MatrixError
from chatproto.ids import UserId, parse_new_localpart, user_id
from chatproto.operations import accounts as ops
from chatproto.operations.declare import Empty
from chatproto.server.handlers.sessions import log_in, new_tokens
from chatproto.server.passwords import check_new_password
from chatproto.server.tokens import TICKET_LIFE_MS, hash_token

# Names that would let somebody pass for the server.
RESERVED = frozenset(
    ("admin", "administrator", "system", "server", "root", "support", "moderator"),
)


def user_row(
    user: UserId,
    *,
    password_hash: str | None,
    now_ms: int,
    is_admin: bool = False,
    display_name: str | None = None,
) -> JsonObject:
    """A new account's row."""
    localpart = user[1:].split(":", 1)[0]
    return {
        "user_id": user,
        "localpart": localpart,
        "display_name": display_name or localpart,
        "password_hash": password_hash,
        "is_admin": int(is_admin),
        "is_locked": 0,
        "is_deactivated": 0,
        "created_ts": now_ms,
    }


async def login_flows(_reading: Any, _request: ops.GetLoginFlows) -> ops.LoginFlows:
    return ops.LoginFlows(flows=(ops.LoginFlow(type="m.login.password"),))


@frozen
class _Proved:
    """What preparing a log-in found: the user's row, if the password was right."""

    user: Row | None
    life_ms: int


async def prepare_login(reading: Any, caller: Caller, request: ops.Login) -> _Proved:
    if request.type != "m.login.password":
        raise MatrixError("M_UNKNOWN", f"no log-in of type {request.type[:60]!r} here")
    name = _login_name(request)
    where = {"user_id": _full_id(name, reading.server)}
    rows = await reading.find(Find(table="users", where=where))
    # Counted by account and address, before hashing, so that nobody's guesses
    # lock another out.
    reading.engine.limits.take(
        ops.LOGIN.rate,
        f"{where['user_id']} {caller.address}",
        reading.engine.clock.monotonic(),
    )
    stored = rows[0]["password_hash"] if rows else None
    right = await reading.engine.passwords.verify(stored, request.password)
    life_ms = reading.engine.settings.access_token_life_ms
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
    if user is None:
        raise MatrixError("M_FORBIDDEN", "wrong user name or password")
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
    return Decision(writes=writes, effects=(ended,), reply=answer)


def _require_usable(user: Row) -> None:
    if user["is_deactivated"]:
        raise MatrixError("M_USER_DEACTIVATED", "this account has been closed")
    if user["is_locked"]:
        raise MatrixError("M_USER_LOCKED", "this account is locked")


@frozen
class _Registering:
    user: UserId
    password_hash: str | None
    life_ms: int


async def prepare_register(
    reading: Any,
    _caller: Caller,
    request: ops.Register,
) -> _Registering:
    settings = reading.engine.settings
    if request.kind != "user":
        raise MatrixError("M_FORBIDDEN", "there are no guests here")
    if settings.registration == "closed":
        raise MatrixError("M_FORBIDDEN", "registration is closed")
    name = request.username
    if name is not None:
        check_free_name(name)
        taken = await _user(reading, user_id(parse_new_localpart(name), reading.server))
        if taken is not None:
            raise MatrixError("M_USER_IN_USE", f"the name {name[:60]!r} is taken")
    _require_stages(reading, request)
    if request.password is None:
        raise MatrixError("M_MISSING_PARAM", "password is missing")
    check_new_password(request.password)
    random = reading.engine.random
    localpart = parse_new_localpart(name or f"user{int.from_bytes(random(5), 'big')}")
    hashed = await reading.engine.passwords.hash(request.password)
    user = user_id(localpart, reading.server)
    return _Registering(user, hashed, settings.access_token_life_ms)


def _require_stages(reading: Any, request: ops.Register) -> None:
    """User-interactive authentication: 401 with the flows until the stage is passed."""
    settings = reading.engine.settings
    needs_token = settings.registration == "token"
    stage = "m.login.registration_token" if needs_token else "m.login.dummy"
    auth = request.auth or {}
    if auth.get("type") == stage:
        if not needs_token or auth.get("token") in settings.registration_tokens:
            return
        error: JsonObject = {
            "errcode": "M_FORBIDDEN",
            "error": "the registration token is not known",
        }
    else:
        error = {}
    session = auth.get("session")
    if not isinstance(session, str):
        session = reading.engine.random(12).hex()
    raise MatrixError(
        "M_FORBIDDEN" if error else "M_UNAUTHORIZED",
        str(error.get("error", "authentication is needed to register")),
        status=401,
        extra={
            "flows": [{"stages": [stage]}],
            "params": {},
            "session": session,
            "completed": [],
        },
    )


def check_free_name(name: str) -> None:
    """Raises MatrixError M_INVALID_USERNAME for what nobody may be called."""
    try:
        localpart = parse_new_localpart(name)
    except MatrixError as error:
        raise MatrixError("M_INVALID_USERNAME", error.error) from None
    if localpart in RESERVED or localpart.isdigit():
        raise MatrixError("M_INVALID_USERNAME", f"the name {localpart!r} is reserved")


def register(view: View, request: ops.Register) -> Decision:
    new: _Registering = view.prepared
    if view.rows["same"]:
        raise MatrixError("M_USER_IN_USE", f"the name {new.user[:60]!r} is taken")
    row = user_row(new.user, password_hash=new.password_hash, now_ms=view.now_ms)
    put = Put(table="users", row=row)
    if request.inhibit_login:
        return Decision(writes=(put,), reply={"user_id": new.user})
    answer, writes = log_in(
        view,
        new.user,
        device_id=request.device_id,
        display_name=request.initial_device_display_name,
        refreshable=request.refresh_token,
        life_ms=new.life_ms,
    )
    return Decision(writes=(put, *writes), reply=answer)


async def check_username(reading: Any, request: ops.CheckUsername) -> ops.Available:
    check_free_name(request.username)
    localpart = parse_new_localpart(request.username)
    if await _user(reading, user_id(localpart, reading.server)) is not None:
        raise MatrixError("M_USER_IN_USE", f"the name {localpart[:60]!r} is taken")
    return ops.Available(available=True)


async def _user(reading: Any, user: str) -> Row | None:
    rows = await reading.find(Find(table="users", where={"user_id": user}))
    return rows[0] if rows else None


def refresh_needs(_caller: Caller, request: ops.Refresh) -> Needs:
    hashed = hash_token(request.refresh_token)
    where = {"token_hash": hashed, "kind": "refresh"}
    return Needs(rows={"token": Find(table="tokens", where=where)})


async def prepare_refresh(reading: Any, _caller: Caller, _request: ops.Refresh) -> int:
    return int(reading.engine.settings.access_token_life_ms)


def refresh(view: View, _request: ops.Refresh) -> Decision:
    token = view.row("token")
    if token is None:
        raise MatrixError("M_UNKNOWN_TOKEN", "the refresh token is not known")
    user, device = token["user_id"], token["device_id"]
    tokens = new_tokens(view, user, device, refreshable=True, life_ms=view.prepared)
    old = Delete(table="tokens", where={"user_id": user, "device_id": device})
    return Decision(
        writes=(old, *tokens.writes),
        effects=(EndSessions(user_id=user, devices=(device,)),),
        reply=ops.Refreshed(
            access_token=tokens.access,
            refresh_token=tokens.refresh,
            expires_in_ms=tokens.expires_in_ms,
        ),
    )


def logout(view: View, _request: ops.Logout) -> Decision:
    user, device = view.caller.user, view.caller.device
    where = {"user_id": user, "device_id": device}
    tables = ("tokens", "devices", "to_device", "txns")
    return Decision(
        writes=tuple(Delete(table=table, where=where) for table in tables),
        effects=(EndSessions(user_id=user, devices=(device,)),),
        reply=Empty(),
    )


def logout_all(view: View, _request: ops.LogoutAll) -> Decision:
    where = {"user_id": view.caller.user}
    tables = ("tokens", "devices", "to_device", "txns")
    return Decision(
        writes=tuple(Delete(table=table, where=where) for table in tables),
        effects=(EndSessions(user_id=view.caller.user),),
        reply=Empty(),
    )


async def whoami(reading: Any, _request: ops.WhoAmI) -> ops.Identity:
    caller = reading.caller
    return ops.Identity(
        user_id=caller.user,
        device_id=caller.device_id,
        is_admin=caller.is_admin or None,
    )


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
        user = await _user(reading, caller.user)
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
    deletes = tuple(
        Delete(table=table, where={"user_id": user, "device_id": other})
        for other in others
        for table in ("tokens", "devices", "to_device", "txns")
    )
    return Decision(
        writes=(update, *deletes),
        effects=(EndSessions(user_id=user, keep=device),),
        reply=Empty(),
    )


def own_devices(caller: Caller, _request: object) -> Needs:
    where = {"user_id": caller.user}
    return Needs(rows={"devices": Find(table="devices", where=where)})


async def prepare_deactivate(
    reading: Any,
    caller: Caller,
    request: ops.Deactivate,
) -> None:
    await require_password(reading, caller, request.auth)


def deactivate(view: View, request: ops.Deactivate) -> Decision:
    user = view.caller.user
    gone: JsonObject = {"is_deactivated": 1, "password_hash": None}
    if request.erase:
        gone |= {"display_name": None, "avatar_url": None}
    tables = ("tokens", "devices", "to_device", "txns")
    return Decision(
        writes=(
            Update(table="users", where={"user_id": user}, set=gone),
            *(Delete(table=table, where={"user_id": user}) for table in tables),
        ),
        effects=(EndSessions(user_id=user),),
        reply={"id_server_unbind_result": "success"},
    )


async def prepare_ticket(reading: Any, caller: Caller, _request: object) -> str:
    engine = reading.engine
    ticket: str = engine.tickets.issue(caller, reading.now_ms, engine.random(24))
    return ticket


def make_ticket(view: View, _request: ops.MakeTicket) -> Decision:
    return Decision(
        reply=ops.Ticket(ticket=view.prepared, expires_in_ms=TICKET_LIFE_MS)
    )


def register_rows(caller: Caller, request: ops.Register) -> Needs:
    name = parse_new_localpart(request.username) if request.username else ""
    return Needs(rows={"same": Find(table="users", where={"localpart": name})})


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.LIST_LOGIN_FLOWS, login_flows),
    Decides(ops.LOGIN, login, prepare=prepare_login),
    Decides(ops.REGISTER, register, register_rows, prepare_register),
    Reads(ops.CHECK_USERNAME, check_username),
    Decides(ops.REFRESH, refresh, refresh_needs, prepare_refresh),
    Decides(ops.LOGOUT, logout),
    Decides(ops.LOGOUT_ALL, logout_all),
    Reads(ops.WHOAMI, whoami),
    Decides(ops.CHANGE_PASSWORD, change_password, own_devices, prepare_change_password),
    Decides(ops.DEACTIVATE, deactivate, prepare=prepare_deactivate),
    Decides(ops.MAKE_TICKET, make_ticket, prepare=prepare_ticket),
)
