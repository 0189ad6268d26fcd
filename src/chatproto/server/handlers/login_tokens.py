"""Tokens with which one device lets another log in."""

from __future__ import annotations

from typing import Any

from chatproto.decisions import (
    NO_NEEDS,
    Caller,
    Decides,
    Decision,
    Delete,
    Find,
    Handler,
    Needs,
    Put,
    Row,
    View,
)
from chatproto.operations import accounts as ops
from chatproto.server.handlers.credentials import require_password
from chatproto.server.tokens import (
    KIND_LOGIN,
    LOGIN_PREFIX,
    LOGIN_TOKEN_LIFE_MS,
    TOKEN_BYTES,
    hash_token,
    make_token,
)

TOKEN_LOGIN = "m.login.token"  # noqa: S105  # a type, no secret


async def prepare_login_token(
    reading: Any, caller: Caller, request: ops.MakeLoginToken
) -> None:
    await require_password(reading, caller, request.auth)


def needs_earlier(caller: Caller, _request: ops.MakeLoginToken) -> Needs:
    where = {"user_id": caller.user, "kind": KIND_LOGIN}
    return Needs(rows={"earlier": Find(table="tokens", where=where)})


def make_login_token(view: View, _request: ops.MakeLoginToken) -> Decision:
    token = make_token(LOGIN_PREFIX, view.random(TOKEN_BYTES))
    row = {
        "token_hash": hash_token(token),
        "user_id": view.caller.user,
        "device_id": view.caller.device,
        "kind": KIND_LOGIN,
        "expires_ts": view.now_ms + LOGIN_TOKEN_LIFE_MS,
        "created_ts": view.now_ms,
    }
    expired = [r for r in view.rows["earlier"] if r["expires_ts"] <= view.now_ms]
    return Decision(
        writes=(Put(table="tokens", row=row), *map(used_up, expired)),
        reply=ops.LoginToken(login_token=token, expires_in_ms=LOGIN_TOKEN_LIFE_MS),
    )


def token_of_login(_caller: Caller, request: ops.Login) -> Needs:
    """Seen as it is stored when it is decided, so that no token lets two in."""
    if request.type != TOKEN_LOGIN:
        return NO_NEEDS
    return Needs(rows={"token": find_token(request)})


def find_token(request: ops.Login) -> Find:
    where = {"token_hash": hash_token(request.token or ""), "kind": KIND_LOGIN}
    return Find(table="tokens", where=where)


def used_up(token: Row) -> Delete:
    return Delete(table="tokens", where={"token_hash": token["token_hash"]})


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.MAKE_LOGIN_TOKEN, make_login_token, needs_earlier, prepare_login_token),
)
