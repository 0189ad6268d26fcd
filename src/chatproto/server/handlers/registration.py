"""Registering an account."""

from __future__ import annotations

from hmac import compare_digest
from typing import Any

from attrs import asdict, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Find,
    Handler,
    Needs,
    Put,
    Reads,
    View,
)
from chatproto.errors import MatrixError
from chatproto.ids import UserId, parse_new_localpart, user_id
from chatproto.operations import accounts as ops
from chatproto.server.appservices.admission import APPSERVICE_LOGIN
from chatproto.server.handlers.appservices import user_to_register
from chatproto.server.handlers.sessions import find_user, log_in, user_row
from chatproto.server.passwords import check_new_password
from chatproto.server.settings import Settings

# Names that would let somebody pass for the server.
RESERVED = frozenset(
    ("admin", "administrator", "system", "server", "root", "support", "moderator"),
)


@frozen
class _Registering:
    user: UserId
    password_hash: str | None
    life_ms: int
    is_guest: bool = False


async def prepare_register(
    reading: Any,
    caller: Caller,
    request: ops.Register,
) -> _Registering:
    settings = reading.engine.settings
    if request.type == APPSERVICE_LOGIN:
        user = user_to_register(caller, request, reading.server)
        return _Registering(user, None, settings.access_token_life_ms)
    if request.kind != "user":
        return _guest(reading, request.kind)
    if settings.registration == "closed":
        raise MatrixError("M_FORBIDDEN", "registration is closed")
    name = request.username
    if name is not None:
        check_free_name(name)
        taken = await find_user(
            reading, user_id(parse_new_localpart(name), reading.server)
        )
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


def _guest(reading: Any, kind: str) -> _Registering:
    """Guests are called by numbers, which nobody else may be."""
    if kind != "guest":
        raise MatrixError("M_INVALID_PARAM", "kind is user or guest")
    settings: Settings = reading.engine.settings
    if not settings.guests:
        raise MatrixError("M_FORBIDDEN", "there are no guests here")
    name = str(int.from_bytes(reading.engine.random(7), "big"))
    user = user_id(parse_new_localpart(name), reading.server)
    return _Registering(user, None, settings.access_token_life_ms, is_guest=True)


def _require_stages(reading: Any, request: ops.Register) -> None:
    """User-interactive authentication: 401 with the flows until the stage is passed."""
    settings = reading.engine.settings
    needs_token = settings.registration == "token"
    stage = "m.login.registration_token" if needs_token else "m.login.dummy"
    auth = request.auth or {}
    if auth.get("type") == stage:
        if not needs_token or _is_known(settings, auth.get("token")):
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
    row = user_row(
        new.user,
        password_hash=new.password_hash,
        now_ms=view.now_ms,
        is_guest=new.is_guest,
    )
    put = Put(table="users", row=row)
    if request.inhibit_login and not new.is_guest:
        return Decision(writes=(put,), reply=ops.Registered(user_id=new.user))
    answer, writes = log_in(
        view,
        new.user,
        device_id=None if new.is_guest else request.device_id,
        display_name=request.initial_device_display_name,
        refreshable=request.refresh_token,
        life_ms=new.life_ms,
    )
    return Decision(writes=(put, *writes), reply=ops.Registered(**asdict(answer)))


async def check_username(reading: Any, request: ops.CheckUsername) -> ops.Available:
    check_free_name(request.username)
    localpart = parse_new_localpart(request.username)
    if await find_user(reading, user_id(localpart, reading.server)) is not None:
        raise MatrixError("M_USER_IN_USE", f"the name {localpart[:60]!r} is taken")
    return ops.Available(available=True)


async def check_registration_token(
    reading: Any, request: ops.CheckRegistrationToken
) -> ops.TokenValidity:
    settings = reading.engine.settings
    if settings.registration == "closed":
        raise MatrixError("M_FORBIDDEN", "registration is closed")
    return ops.TokenValidity(valid=_is_known(settings, request.token))


def _is_known(settings: Settings, token: object) -> bool:
    return isinstance(token, str) and any(
        compare_digest(token.encode("utf-8", "replace"), known.encode())
        for known in settings.registration_tokens
    )


def register_rows(caller: Caller, request: ops.Register) -> Needs:
    name = parse_new_localpart(request.username) if request.username else ""
    return Needs(rows={"same": Find(table="users", where={"localpart": name})})


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.REGISTER, register, register_rows, prepare_register),
    Reads(ops.CHECK_REGISTRATION_TOKEN, check_registration_token),
    Reads(ops.CHECK_USERNAME, check_username),
)
