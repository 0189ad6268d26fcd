"""Read receipts, read markers, typing."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Find,
    Handler,
    Needs,
    PutAccountData,
    PutReceipt,
    SeenEvent,
    SetTypingUntil,
    View,
    Write,
)
from chatproto.errors import MatrixError
from chatproto.events.relations import relation_of
from chatproto.ids import EventId, RoomId, parse_event_id
from chatproto.operations import receipts as ops
from chatproto.operations.declare import Empty
from chatproto.server.handlers.messages import require_joined
from chatproto.server.handlers.sessions import require_self
from chatproto.server.presence import MAX_TYPING_MS

_TYPES = ("m.read", "m.read.private", "m.fully_read")
MAIN = "main"  # what is in no thread
MIN_TYPING_MS = 1_000


@frozen
class _Reading:
    """Counts as they will be once each of the events has been read, by event ID."""

    unread: dict[EventId, JsonObject]


async def prepare_receipt(
    reading: Any,
    caller: Caller,
    request: ops.SendReceipt,
) -> _Reading:
    return await _counts(reading, caller, request.room_id, (request.event_id,))


async def prepare_markers(
    reading: Any,
    caller: Caller,
    request: ops.SetReadMarkers,
) -> _Reading:
    return await _counts(reading, caller, request.room_id, _named(request))


async def _counts(
    reading: Any,
    caller: Caller,
    room_id: RoomId,
    event_ids: tuple[EventId, ...],
) -> _Reading:
    room = await reading.store.room(room_id)
    unread: dict[EventId, JsonObject] = {}
    for event_id in event_ids:
        event = await reading.store.event(room_id, event_id)
        if room is not None and event is not None:
            counts = await reading.engine.unread.of(
                room_id,
                caller.user,
                through=room.seq,
                read_seq=event.seq,
            )
            unread[event_id] = {
                "read_seq": counts.read_seq,
                "through": counts.through,
                "notification_count": counts.notification_count,
                "highlight_count": counts.highlight_count,
            }
    return _Reading(unread)


def needs_receipt(caller: Caller, request: ops.SendReceipt) -> Needs:
    named = [request.event_id]
    if request.thread_id not in (None, MAIN):
        named.append(parse_event_id(request.thread_id))
    return _needs(caller, request.room_id, tuple(named))


def needs_markers(caller: Caller, request: ops.SetReadMarkers) -> Needs:
    return _needs(caller, request.room_id, _named(request))


def _named(request: ops.SetReadMarkers) -> tuple[EventId, ...]:
    named = (request.fully_read, request.read, request.read_private)
    return tuple(dict.fromkeys(e for e in named if e is not None))


def _needs(caller: Caller, room_id: RoomId, event_ids: tuple[EventId, ...]) -> Needs:
    events = tuple((room_id, parse_event_id(event_id)) for event_id in event_ids)
    where = {"room_id": room_id, "user_id": caller.user}
    rows = {"mine": Find(table="receipts", where=where)}
    return Needs(rooms=(room_id,), events=events, rows=rows)


def send_receipt(view: View, request: ops.SendReceipt) -> Decision:
    if request.receipt_type not in _TYPES:
        known = ", ".join(_TYPES)
        raise MatrixError("M_INVALID_PARAM", f"a receipt is one of {known}")
    require_joined(view, request.room_id)
    _check_thread(view, request)
    writes = _receipt(
        view,
        request.room_id,
        request.receipt_type,
        request.event_id,
        request.thread_id,
    )
    return Decision(writes=writes, reply=Empty())


def _check_thread(view: View, request: ops.SendReceipt) -> None:
    """A receipt is of a thread of the room, and not for an event of another thread.

    What relates to an event of a thread belongs to it as well: that is not looked up.
    """
    thread_id = request.thread_id
    if thread_id is None:
        return
    if request.receipt_type == "m.fully_read":
        raise MatrixError("M_INVALID_PARAM", "m.fully_read is for the whole room")
    event = view.events.get(request.event_id)
    relation = relation_of(event.pdu.content) if event else None
    other = relation.event_id if relation and relation.rel_type == "m.thread" else None
    known = EventId(thread_id) in view.events
    if thread_id != MAIN and not (known and other in (None, thread_id)):
        raise MatrixError("M_INVALID_PARAM", "the event is not of this thread")


def set_markers(view: View, request: ops.SetReadMarkers) -> Decision:
    require_joined(view, request.room_id)
    markers = (
        ("m.fully_read", request.fully_read),
        ("m.read", request.read),
        ("m.read.private", request.read_private),
    )
    writes: list[Write] = []
    for kind, event_id in markers:
        if event_id is not None:
            writes += _receipt(view, request.room_id, kind, event_id, None)
    return Decision(writes=tuple(writes), reply=Empty())


def _receipt(
    view: View,
    room_id: RoomId,
    kind: str,
    event_id: EventId,
    thread_id: str | None,
) -> tuple[Write, ...]:
    event = view.events.get(event_id)
    if event is None:
        raise MatrixError("M_NOT_FOUND", f"no event {event_id[:60]} in this room")
    if kind == "m.fully_read":
        return (
            PutAccountData(
                user_id=view.caller.user,
                type=kind,
                content={"event_id": event_id},
                room_id=room_id,
            ),
        )
    if not _is_ahead(view, kind, thread_id, event):
        return ()
    prepared: _Reading = view.prepared
    whole = thread_id in (None, MAIN)
    return (
        PutReceipt(
            room_id=room_id,
            user_id=view.caller.user,
            type=kind,
            event_id=event_id,
            seq=event.seq,
            ts=view.now_ms,
            thread_id=thread_id,
            unread=prepared.unread.get(event_id) if whole else None,
        ),
    )


def _is_ahead(
    view: View,
    kind: str,
    thread_id: str | None,
    event: SeenEvent,
) -> bool:
    """A receipt never moves back."""
    mine = (kind, thread_id or "")
    known = [r["seq"] for r in view.rows["mine"] if (r["type"], r["thread_id"]) == mine]
    return all(event.seq > seq for seq in known)


def needs_room(_caller: Caller, request: ops.SetTyping) -> Needs:
    return Needs(rooms=(request.room_id,))


def set_typing(view: View, request: ops.SetTyping) -> Decision:
    require_self(view.caller, request.user_id)
    require_joined(view, request.room_id)
    until_ms = None
    if request.typing:
        timeout = max(MIN_TYPING_MS, min(request.timeout, MAX_TYPING_MS))
        until_ms = view.now_ms + timeout
    effect = SetTypingUntil(
        room_id=request.room_id,
        user_id=request.user_id,
        until_ms=until_ms,
    )
    return Decision(effects=(effect,), reply=Empty())


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.SEND_RECEIPT, send_receipt, needs_receipt, prepare_receipt),
    Decides(ops.SET_READ_MARKERS, set_markers, needs_markers, prepare_markers),
    Decides(ops.SET_TYPING, set_typing, needs_room),
)
