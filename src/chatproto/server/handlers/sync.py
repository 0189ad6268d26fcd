"""/sync over HTTP: the same stream as the socket's, asked for piece by piece."""

from __future__ import annotations

from typing import Any

import trio

from chatproto.canonical import JsonObject, loads
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
from chatproto.operations import sync as ops
from chatproto.server.filters import SyncFilter, parse_filter
from chatproto.server.handlers.sessions import require_self
from chatproto.server.positions import Position
from chatproto.server.waiter import Waiter

MAX_TIMEOUT_MS = 60_000
MAX_FILTERS = 100
PRESENCES = ("online", "unavailable", "offline")


async def sync(reading: Any, request: ops.Sync) -> JsonObject:
    engine, caller = reading.engine, reading.caller
    if request.set_presence not in PRESENCES:
        raise MatrixError(
            "M_INVALID_PARAM", f"set_presence is one of {', '.join(PRESENCES)}"
        )
    since = _since(reading, request.since)
    want = await _filter(reading, request)
    timeout_s = max(0, min(request.timeout, MAX_TIMEOUT_MS)) / 1000
    deadline = trio.current_time() + timeout_s
    rooms = await engine.joined_rooms(caller.user)
    waiter = Waiter(caller.user, caller.device_id)
    engine.attach(waiter, rooms, presence=request.set_presence)
    try:
        while True:
            waiter.reset()
            until = engine.position()
            body: JsonObject = await reading.streams.body(
                caller.user,
                caller.device_id,
                since,
                until,
                want,
            )
            late = trio.current_time() >= deadline or waiter.is_closing
            if since is None or request.full_state or _has_news(body) or late:
                return _named_for_clients(body, request)
            since = until
            with trio.move_on_at(deadline):
                await waiter.wait()
            if waiter.is_over:
                raise MatrixError("M_UNKNOWN_TOKEN", "the session has ended")
    finally:
        engine.detach(waiter)


def _since(reading: Any, token: str | None) -> Position | None:
    """A position from the future is of another database: everything is new then."""
    if token is None:
        return None
    since = Position.parse(token)
    now: Position = reading.engine.position()
    return since if since.pos <= now.pos else None


async def _filter(reading: Any, request: ops.Sync) -> SyncFilter:
    json: Any = {}
    if request.filter is not None:
        if request.filter.startswith("{"):
            json = loads(request.filter)
        else:
            where = {"user_id": reading.caller.user, "filter_id": request.filter}
            rows = await reading.find(Find(table="filters", where=where))
            if not rows:
                raise MatrixError("M_INVALID_PARAM", "there is no such filter")
            json = rows[0]["json"]
    if not isinstance(json, dict):
        raise MatrixError("M_BAD_JSON", "the filter is not an object")
    return parse_filter(
        json,
        state_after=request.use_state_after or request.use_state_after_msc,
        full_state=request.full_state,
    )


def _has_news(body: JsonObject) -> bool:
    return any(
        body.get(key)
        for key in ("rooms", "presence", "account_data", "to_device", "device_lists")
    )


def _named_for_clients(body: JsonObject, request: ops.Sync) -> JsonObject:
    """The unstable name of state_after is the one that today's clients read."""
    if request.use_state_after_msc:
        for section in body.get("rooms", {}).get("join", {}).values():
            if "state_after" in section:
                section["org.matrix.msc4222.state_after"] = section["state_after"]
    return body


def needs_filters(caller: Caller, request: ops.StoreFilter) -> Needs:
    require_self(caller, request.user_id)
    where = {"user_id": caller.user}
    return Needs(rows={"filters": Find(table="filters", where=where)})


def store_filter(view: View, request: ops.StoreFilter) -> Decision:
    parse_filter(request.filter, state_after=False, full_state=False)
    known = view.rows["filters"]
    for row in known:
        if row["json"] == request.filter:
            return Decision(reply=ops.FilterStored(filter_id=row["filter_id"]))
    if len(known) >= MAX_FILTERS:
        raise MatrixError("M_LIMIT_EXCEEDED", f"at most {MAX_FILTERS} filters are kept")
    filter_id = str(len(known))
    row = {
        "user_id": view.caller.user,
        "filter_id": filter_id,
        "json": request.filter,
    }
    put = Put(table="filters", row=row)
    return Decision(writes=(put,), reply=ops.FilterStored(filter_id=filter_id))


async def get_filter(reading: Any, request: ops.GetFilter) -> JsonObject:
    require_self(reading.caller, request.user_id)
    where = {"user_id": request.user_id, "filter_id": request.filter_id}
    rows = await reading.find(Find(table="filters", where=where))
    if not rows:
        raise MatrixError("M_NOT_FOUND", "there is no such filter")
    found: JsonObject = rows[0]["json"]
    return found


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.SYNC, sync),
    Decides(ops.STORE_FILTER, store_filter, needs_filters),
    Reads(ops.GET_FILTER, get_filter),
)
