"""Replacing access tokens by means of refresh tokens."""

from __future__ import annotations

from functools import partial
from typing import Any

from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Delete,
    Find,
    Handler,
    Needs,
    Update,
    View,
    Write,
)
from chatproto.errors import MatrixError
from chatproto.ids import DeviceId, UserId
from chatproto.operations import accounts as ops
from chatproto.server.handlers.sessions import new_tokens
from chatproto.server.tokens import (
    KIND_ACCESS,
    KIND_OUTGOING,
    KIND_REFRESH,
    KIND_REPLACED,
    hash_token,
)


def refresh_needs(_caller: Caller, request: ops.Refresh) -> Needs:
    hashed = hash_token(request.refresh_token)
    where = {"token_hash": hashed}
    return Needs(rows={"token": Find(table="tokens", where=where)})


async def prepare_refresh(reading: Any, _caller: Caller, _request: ops.Refresh) -> int:
    return int(reading.engine.settings.access_token_life_ms)


def refresh(view: View, _request: ops.Refresh) -> Decision:
    """Give new tokens for a refresh token.

    The answer may be lost: the old refresh token can be used again until one of the
    new access tokens has been (specification, "Refreshing access tokens"). The old
    access token, with which calls may be under way, lives to its end.

    | kind | until |
    |---|---|
    | access, refresh | the next refresh |
    | outgoing: the access token before | it expires, or the refresh after |
    | replaced: the refresh token before | a new access token is used |
    """
    token = view.row("token")
    if token is None or token["kind"] not in (KIND_REFRESH, KIND_REPLACED):
        raise MatrixError("M_UNKNOWN_TOKEN", "the refresh token is not known")
    user, device = token["user_id"], token["device_id"]
    tokens = new_tokens(view, user, device, refreshable=True, life_ms=view.prepared)
    writes = _lost(user, device)
    if token["kind"] == KIND_REFRESH:
        writes = _rotated(user, device)
    return Decision(
        writes=(*writes, *tokens.writes),
        reply=ops.Refreshed(
            access_token=tokens.access,
            refresh_token=tokens.refresh,
            expires_in_ms=tokens.expires_in_ms,
        ),
    )


def _of_kind(user: UserId, device: DeviceId, kind: str) -> dict[str, str]:
    return {"user_id": user, "device_id": device, "kind": kind}


def _rotated(user: UserId, device: DeviceId) -> tuple[Write, ...]:
    """The tokens in use step back by one."""
    of_kind = partial(_of_kind, user, device)
    return (
        Delete(table="tokens", where=of_kind(KIND_OUTGOING)),
        Delete(table="tokens", where=of_kind(KIND_REPLACED)),
        Update(
            table="tokens",
            where=of_kind(KIND_ACCESS),
            set={"kind": KIND_OUTGOING},
        ),
        Update(
            table="tokens",
            where=of_kind(KIND_REFRESH),
            set={"kind": KIND_REPLACED},
        ),
    )


def _lost(user: UserId, device: DeviceId) -> tuple[Write, ...]:
    """The tokens that never reached the client are worth nothing."""
    kinds = (KIND_ACCESS, KIND_REFRESH)
    return tuple(
        Delete(table="tokens", where=_of_kind(user, device, kind)) for kind in kinds
    )


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.REFRESH, refresh, refresh_needs, prepare_refresh),
)
