"""The event of a room that is next to a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatproto.decisions import Handler, Reads, SeenEvent
from chatproto.errors import MatrixError
from chatproto.ids import RoomId
from chatproto.operations import search as ops


async def get_event_at_time(
    reading: Any, request: ops.GetEventAtTime
) -> ops.EventAtTime:
    """Events follow one another in time but for what application services send late, so
    the time is found by halving what the caller may see.

    Where they do not, the event that is found is on the right side of the time, and
    its neighbor on the other.
    """
    if request.dir not in ("b", "f"):
        raise MatrixError("M_INVALID_PARAM", "dir is b or f")
    room_id, forwards = request.room_id, request.dir == "f"
    ranges = await reading.visible.require(room_id, reading.caller.user)
    low, high = 0, sum(last - first + 1 for first, last in ranges)
    before: SeenEvent | None = None
    since: SeenEvent | None = None
    while low < high:
        middle = (low + high) // 2
        event = await _event(reading, room_id, _seq(ranges, middle))
        ts = event.pdu.origin_server_ts
        if ts >= request.ts if forwards else ts > request.ts:
            high, since = middle, event
        else:
            low, before = middle + 1, event
    found = since if forwards else before
    if found is None:
        where = "since" if forwards else "until"
        raise MatrixError("M_NOT_FOUND", f"no event {where} {request.ts}")
    return ops.EventAtTime(
        event_id=found.pdu.event_id, origin_server_ts=found.pdu.origin_server_ts
    )


def _seq(ranges: Sequence[tuple[int, int]], index: int) -> int:
    """The place of the event that is `index` events after the first in sight."""
    for first, last in ranges:
        if index <= last - first:
            return first + index
        index -= last - first + 1
    raise IndexError(index)


async def _event(reading: Any, room_id: RoomId, seq: int) -> SeenEvent:
    (event,) = await reading.store.events_at(room_id, [seq])
    found: SeenEvent = event
    return found


HANDLERS: tuple[Handler, ...] = (Reads(ops.GET_EVENT_AT_TIME, get_event_at_time),)
