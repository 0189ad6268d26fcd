"""What the handlers of accounts have in common: users, devices, new tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import (
    Caller,
    ChangeDeviceList,
    Delete,
    Find,
    Needs,
    Put,
    Row,
    View,
    Write,
)
from chatproto.errors import MatrixError
from chatproto.ids import DeviceId, UserId, parse_device_id
from chatproto.operations.accounts import LoggedIn
from chatproto.server.tokens import (
    ACCESS_PREFIX,
    KIND_ACCESS,
    KIND_REFRESH,
    REFRESH_PREFIX,
    TOKEN_BYTES,
    hash_token,
    make_token,
)

_DEVICE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@frozen(kw_only=True)
class NewTokens:
    access: str
    refresh: str | None
    expires_in_ms: int | None
    writes: tuple[Write, ...]


def new_device_id(view: View) -> DeviceId:
    letters = (_DEVICE_LETTERS[b % 26] for b in view.random(10))
    return DeviceId("".join(letters))


def new_tokens(
    view: View,
    user_id: UserId,
    device_id: DeviceId,
    *,
    refreshable: bool,
    life_ms: int,
) -> NewTokens:
    """Tokens for a device, and the rows that make them valid.

    Only a client that can refresh gets an access token that expires.
    """
    access = make_token(ACCESS_PREFIX, view.random(TOKEN_BYTES))
    expires_in_ms = life_ms if refreshable else None
    expires_ts = None if expires_in_ms is None else view.now_ms + expires_in_ms
    writes: list[Write] = [
        _row(view, access, user_id, device_id, KIND_ACCESS, expires_ts),
    ]
    refresh = None
    if refreshable:
        refresh = make_token(REFRESH_PREFIX, view.random(TOKEN_BYTES))
        writes.append(_row(view, refresh, user_id, device_id, KIND_REFRESH, None))
    return NewTokens(
        access=access,
        refresh=refresh,
        expires_in_ms=expires_in_ms,
        writes=tuple(writes),
    )


def log_in(
    view: View,
    user_id: UserId,
    *,
    device_id: DeviceId | None,
    display_name: str | None,
    refreshable: bool,
    life_ms: int,
) -> tuple[LoggedIn, tuple[Write, ...]]:
    """A new session: what is answered, and what is to be stored.

    A device that logs in again loses its old tokens.
    """
    device = parse_device_id(device_id) if device_id else new_device_id(view)
    tokens = new_tokens(
        view,
        user_id,
        device,
        refreshable=refreshable,
        life_ms=life_ms,
    )
    row = {
        "user_id": user_id,
        "device_id": device,
        "display_name": display_name,
        "created_ts": view.now_ms,
        "last_seen_ts": view.now_ms,
        "last_seen_ip": view.caller.address,
    }
    old = Delete(table="tokens", where={"user_id": user_id, "device_id": device})
    answer = LoggedIn(
        user_id=user_id,
        access_token=tokens.access,
        device_id=device,
        home_server=view.server,
        expires_in_ms=tokens.expires_in_ms,
        refresh_token=tokens.refresh,
    )
    return answer, (old, Put(table="devices", row=row), *tokens.writes)


# What is kept for a device alone.
OF_DEVICE = (
    "tokens",
    "devices",
    "to_device",
    "txns",
    "device_keys",
    "one_time_keys",
    "fallback_keys",
    "pushers",
)


def end_devices(
    view: View, user_id: UserId, devices: Iterable[DeviceId] | None = None
) -> tuple[Write, ...]:
    """Forget devices of a user, all if none are named. Needs the user's joined rooms,
    for whoever is in them encrypts for these devices no more.
    """
    named = None if devices is None else tuple(devices)
    wheres: list[JsonObject] = [{"user_id": user_id}]
    if named is not None:
        wheres = [{"user_id": user_id, "device_id": device} for device in named]
    gone = [Delete(table=t, where=where) for where in wheres for t in OF_DEVICE]
    for device in named or ():
        signed = {"user_id": user_id, "target": device}
        gone.append(Delete(table="key_signatures", where=signed))
    rooms = tuple(view.joined[user_id])
    return (*gone, ChangeDeviceList(user_id=user_id, rooms=rooms))


def joined_rooms(caller: Caller, _request: object) -> Needs:
    return Needs(joined=(caller.user,))


def require_self(caller: Caller, user_id: UserId) -> None:
    """Raises MatrixError M_FORBIDDEN for somebody else."""
    if caller.user != user_id:
        raise MatrixError("M_FORBIDDEN", f"you are not {user_id[:60]}")


def _row(
    view: View,
    token: str,
    user_id: UserId,
    device_id: DeviceId,
    kind: str,
    expires_ts: int | None,
) -> Put:
    return Put(
        table="tokens",
        row={
            "token_hash": hash_token(token),
            "user_id": user_id,
            "device_id": device_id,
            "kind": kind,
            "expires_ts": expires_ts,
            "created_ts": view.now_ms,
        },
    )


def user_row(
    user: UserId,
    *,
    password_hash: str | None,
    now_ms: int,
    is_admin: bool = False,
    is_guest: bool = False,
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
        "is_guest": int(is_guest),
        "is_locked": 0,
        "is_deactivated": 0,
        "created_ts": now_ms,
    }


async def find_user(reading: Any, user: str) -> Row | None:
    rows = await reading.find(Find(table="users", where={"user_id": user}))
    return rows[0] if rows else None
