"""Pushers: apps' addresses at push gateways."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from chatproto.canonical import dumps
from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Delete,
    Find,
    Handler,
    Needs,
    Put,
    Reads,
    Row,
    StartPushing,
    View,
)
from chatproto.errors import MatrixError
from chatproto.operations import push as ops
from chatproto.operations.declare import Empty

NOTIFY = "/_matrix/push/v1/notify"
MAX_PUSHERS = 50
MAX_PUSHKEY = 512
MAX_APP_ID = 64
MAX_DATA_BYTES = 16 * 1024
_NEEDED = ("app_display_name", "device_display_name", "lang", "data")


async def list_pushers(reading: Any, _request: ops.ListPushers) -> ops.Pushers:
    find = Find(table="pushers", where={"user_id": reading.caller.user})
    return ops.Pushers(pushers=tuple(map(_pusher, await reading.find(find))))


def _pusher(row: Row) -> ops.Pusher:
    return ops.Pusher(
        pushkey=row["pushkey"],
        kind=row["kind"],
        app_id=row["app_id"],
        app_display_name=row["app_display_name"],
        device_display_name=row["device_display_name"],
        lang=row["lang"],
        data=row["data"],
        profile_tag=row["profile_tag"],
    )


@frozen
class _Now:
    """Up to where there are events: what was before is not pushed."""

    pos: int


async def prepare_set(reading: Any, _caller: Caller, _request: ops.SetPusher) -> _Now:
    return _Now(reading.engine.position().pos)


def needs_set(caller: Caller, request: ops.SetPusher) -> Needs:
    same = {"app_id": request.app_id, "pushkey": request.pushkey}
    rows = {
        "own": Find(table="pushers", where={"user_id": caller.user}),
        "same": Find(table="pushers", where=same),
    }
    return Needs(rows=rows)


def set_pusher(view: View, request: ops.SetPusher) -> Decision:
    user = view.caller.user
    key = {"app_id": request.app_id, "pushkey": request.pushkey}
    start = StartPushing(user_id=user)
    if request.kind is None:
        gone = Delete(table="pushers", where={"user_id": user, **key})
        return Decision(writes=(gone,), effects=(start,), reply=Empty())
    _check(request)
    own = [row for row in view.rows["own"] if row not in view.rows["same"]]
    if len(own) >= MAX_PUSHERS:
        raise MatrixError("M_LIMIT_EXCEEDED", f"at most {MAX_PUSHERS} pushers")
    known = next((r for r in view.rows["same"] if r["user_id"] == user), None)
    prepared: _Now = view.prepared
    row = {
        "user_id": user,
        **key,
        "device_id": view.caller.device_id or "",
        "kind": request.kind,
        "app_display_name": request.app_display_name,
        "device_display_name": request.device_display_name,
        "profile_tag": request.profile_tag,
        "lang": request.lang,
        "data": request.data,
        "created_ts": view.now_ms if known is None else known["created_ts"],
        "pos": prepared.pos if known is None else known["pos"],
    }
    # One app on one device is for one user, unless it says otherwise.
    others = () if request.append else view.rows["same"]
    losers = [r["user_id"] for r in others if r["user_id"] != user]
    gone_too = tuple(
        Delete(table="pushers", where={"user_id": loser, **key}) for loser in losers
    )
    return Decision(
        writes=(*gone_too, Put(table="pushers", row=row)),
        effects=(start, *(StartPushing(user_id=loser) for loser in losers)),
        reply=Empty(),
    )


def _check(request: ops.SetPusher) -> None:
    missing = [name for name in _NEEDED if getattr(request, name) is None]
    if missing:
        raise MatrixError("M_MISSING_PARAM", f"{', '.join(missing)} is missing")
    if request.kind != "http":
        raise MatrixError("M_INVALID_PARAM", "the only kind of pusher is http")
    if not request.pushkey or len(request.pushkey.encode()) > MAX_PUSHKEY:
        raise MatrixError("M_INVALID_PARAM", f"a pushkey is up to {MAX_PUSHKEY} bytes")
    if not request.app_id or len(request.app_id) > MAX_APP_ID:
        raise MatrixError(
            "M_INVALID_PARAM", f"an app_id is up to {MAX_APP_ID} characters"
        )
    data = request.data or {}
    if len(dumps(data)) > MAX_DATA_BYTES:
        raise MatrixError("M_INVALID_PARAM", "the data of the pusher are too much")
    if not is_gateway(data.get("url")):
        raise MatrixError(
            "M_INVALID_PARAM", f"data.url is an http(s) URL with the path {NOTIFY}"
        )


def is_gateway(url: object) -> bool:
    if not isinstance(url, str) or len(url) > 2_000:
        return False
    try:
        parts = urlsplit(url)
        return bool(
            parts.scheme in ("http", "https")
            and parts.hostname
            and (parts.port is None or parts.port > 0)
            and parts.path == NOTIFY
        )
    except ValueError:
        return False


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.LIST_PUSHERS, list_pushers),
    Decides(ops.SET_PUSHER, set_pusher, needs_set, prepare_set),
)
