"""Simplified sliding sync: windows into the list of one's rooms, asked for in turns."""

from __future__ import annotations

from typing import Any, TypeAlias

import trio

from chatproto.canonical import JsonObject
from chatproto.decisions import Handler, Reads
from chatproto.errors import MatrixError
from chatproto.operations import sliding_sync as ops
from chatproto.server.handlers.sync import MAX_TIMEOUT_MS, PRESENCES
from chatproto.server.sliding.connection import (
    MAX_CONN_ID,
    Connection,
    Connections,
    Step,
    unknown_pos,
)
from chatproto.server.sliding.timelines import Reader
from chatproto.server.sliding.windows import Asked, read_asked, read_asked_v4
from chatproto.server.waiter import Waiter

AnySlidingSync: TypeAlias = ops.SlidingSync | ops.SlidingSyncV4

_LAST_NAMES = {
    "timeline": "timeline_events",
    "invite_state": "stripped_state",
    "unstable_expanded_timeline": "expanded_timeline",
}


async def sliding_sync(reading: Any, request: ops.SlidingSync) -> JsonObject:
    asked = read_asked(request, reading.caller.user)
    return await _answered(reading, request, asked)


async def sliding_sync_v4(reading: Any, request: ops.SlidingSyncV4) -> JsonObject:
    body = await _answered(reading, request, read_asked_v4(request))
    rooms = {
        room_id: {_LAST_NAMES.get(key, key): value for key, value in room.items()}
        for room_id, room in body["rooms"].items()
    }
    return {**body, "rooms": rooms}


async def _answered(reading: Any, request: AnySlidingSync, asked: Asked) -> JsonObject:
    engine, caller = reading.engine, reading.caller
    if request.set_presence not in PRESENCES:
        raise MatrixError(
            "M_INVALID_PARAM", f"set_presence is one of {', '.join(PRESENCES)}"
        )
    if len(request.conn_id) > MAX_CONN_ID:
        raise MatrixError("M_INVALID_PARAM", f"conn_id is over {MAX_CONN_ID} long")
    connections: Connections = engine.sliding.connections
    connection, base = _resume(connections, reading, request)
    timeout_s = max(0, min(request.timeout, MAX_TIMEOUT_MS)) / 1000
    deadline = trio.current_time() + timeout_s
    waiter = Waiter(caller.user, caller.device_id)
    turn = connection.take_turn(waiter.behind)
    rooms = await engine.joined_rooms(caller.user)
    engine.attach(waiter, rooms, presence=request.set_presence)
    try:
        while True:
            waiter.reset()
            reader = Reader(
                user_id=caller.user,
                device_id=caller.device_id,
                since=base.at if base else None,
                until=engine.position(),
                now_ms=engine.clock.now_ms(),
            )
            answer = await engine.sliding.make(
                reader, asked, request.extensions, base, lost=connection.lost
            )
            if connection.turn != turn:
                return _overtaken(request)
            late = trio.current_time() >= deadline or waiter.is_closing
            if base is None or answer.has_news or late:
                connections.answered(connection, answer.step)
                return {"pos": answer.step.pos, **answer.body}
            with trio.move_on_at(deadline):
                await waiter.wait()
            if waiter.is_over:
                raise MatrixError("M_UNKNOWN_TOKEN", "the session has ended")
    finally:
        engine.detach(waiter)


def _resume(
    connections: Connections, reading: Any, request: AnySlidingSync
) -> tuple[Connection, Step | None]:
    place = (reading.caller.user, reading.caller.device_id)
    if request.pos is None:
        return connections.begin(place, request.conn_id), None
    return connections.resume(place, request.conn_id, request.pos)


def _overtaken(request: AnySlidingSync) -> JsonObject:
    """Nothing, for one whose client has already asked again and got its answer."""
    if request.pos is None:
        raise unknown_pos()
    return {"pos": request.pos, "lists": {}, "rooms": {}, "extensions": {}}


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.SLIDING_SYNC, sliding_sync),
    Reads(ops.SLIDING_SYNC_V4, sliding_sync_v4),
)
