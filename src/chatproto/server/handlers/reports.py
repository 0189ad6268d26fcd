"""Reports."""

from __future__ import annotations

from typing import Any

from chatproto.canonical import JsonObject
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
    View,
)
from chatproto.errors import MatrixError
from chatproto.ids import RoomId, UserId
from chatproto.operations import reports as ops
from chatproto.operations.declare import Empty

MAX_REASON = 4_000  # characters
MAX_PAGE = 100


async def prepare_event(
    reading: Any, caller: Caller, request: ops.ReportEvent
) -> JsonObject:
    """The event as the caller sees it, who has to be in its room (specification)."""
    event = await reading.visible.event(request.room_id, request.event_id, caller.user)
    row = await reading.store.membership(request.room_id, caller.user)
    if row is None or row.membership != "join":
        raise MatrixError("M_NOT_FOUND", "you are not in the room of this event")
    (seen,) = await reading.page(request.room_id, (event,))
    relations = seen["unsigned"].get("m.relations", {})
    return {**seen, "unsigned": {"m.relations": relations}}


def report_event(view: View, request: ops.ReportEvent) -> Decision:
    event: JsonObject = view.prepared
    return _stored(
        view,
        request.reason,
        room_id=request.room_id,
        event_id=request.event_id,
        user_id=event["sender"],
        event=event,
    )


def needs_room(_caller: Caller, request: ops.ReportRoom) -> Needs:
    return Needs(rooms=(RoomId(request.room_id),))


def report_room(view: View, request: ops.ReportRoom) -> Decision:
    """The answer does not tell whether there is such a room."""
    if request.room_id not in view.rooms:
        return Decision(reply=Empty())
    return _stored(view, request.reason, room_id=request.room_id)


def needs_user(_caller: Caller, request: ops.ReportUser) -> Needs:
    find = Find(table="users", where={"user_id": UserId(request.user_id)})
    return Needs(rows={"user": find})


def report_user(view: View, request: ops.ReportUser) -> Decision:
    if view.row("user") is None:
        raise MatrixError("M_NOT_FOUND", f"no user {request.user_id[:60]}")
    return _stored(view, request.reason, user_id=request.user_id)


def _stored(view: View, reason: str, **about: Any) -> Decision:
    if len(reason) > MAX_REASON:
        message = f"a reason has up to {MAX_REASON} characters"
        raise MatrixError("M_TOO_LARGE", message)
    row = {
        "received_ts": view.now_ms,
        "reporter": view.caller.user,
        "reason": reason,
        **about,
    }
    return Decision(writes=(Put(table="reports", row=row),), reply=Empty())


async def list_reports(reading: Any, request: ops.ListReports) -> ops.Reports:
    limit = max(1, min(request.limit, MAX_PAGE))
    after = request.from_ or "0"
    if not _is_number(after):
        raise MatrixError("M_INVALID_PARAM", f"{after[:60]!r} is no next_batch")
    rows = await reading.store.reports(after=int(after), limit=limit + 1)
    reports = tuple(_report(row) for row in rows[:limit])
    more = len(rows) > limit
    return ops.Reports(
        reports=reports, next_batch=reports[-1].report_id if more else None
    )


def _report(row: Row) -> ops.Report:
    fields: dict[str, Any] = {**row, "report_id": str(row["report_id"])}
    return ops.Report(**fields)


def needs_report(_caller: Caller, request: ops.SettleReport) -> Needs:
    number = int(request.report_id) if _is_number(request.report_id) else 0
    find = Find(table="reports", where={"report_id": number})
    return Needs(rows={"report": find})


def settle_report(view: View, request: ops.SettleReport) -> Decision:
    row = view.row("report")
    if row is None:
        raise MatrixError("M_NOT_FOUND", f"no report {request.report_id[:60]}")
    where = {"report_id": row["report_id"]}
    return Decision(writes=(Delete(table="reports", where=where),), reply=Empty())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 16


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.REPORT_EVENT, report_event, prepare=prepare_event),
    Decides(ops.REPORT_ROOM, report_room, needs_room),
    Decides(ops.REPORT_USER, report_user, needs_user),
    Reads(ops.LIST_REPORTS, list_reports),
    Decides(ops.SETTLE_REPORT, settle_report, needs_report),
)
