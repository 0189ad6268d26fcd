"""Reports of what somebody finds amiss."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, UserId
from chatproto.operations.declare import Access, Call, Empty, Operation, Rate


@frozen(kw_only=True)
class ReportEvent(Call[Empty]):
    """Report an event to those who administer the server."""

    room_id: RoomId
    event_id: EventId
    reason: str = ""


@frozen(kw_only=True)
class ReportRoom(Call[Empty]):
    """Report a room, also one that one is not in, to those who administer the server."""

    room_id: RoomId
    reason: str


@frozen(kw_only=True)
class ReportUser(Call[Empty]):
    """Report a user to those who administer the server."""

    user_id: UserId
    reason: str


@frozen(kw_only=True)
class Report:
    """`user_id` is who is reported, or who sent the event that is; `event` is that
    event as the reporter saw it, which is kept if it is redacted later.
    """

    report_id: str
    received_ts: int
    reporter: UserId
    reason: str
    room_id: RoomId | None = None
    event_id: EventId | None = None
    user_id: UserId | None = None
    event: JsonObject | None = None


@frozen(kw_only=True)
class Reports:
    """`next_batch` is absent where there are no more."""

    reports: tuple[Report, ...]
    next_batch: str | None = None


@frozen(kw_only=True)
class ListReports(Call[Reports]):
    """List the reports that have not been settled, the oldest first."""

    from_: str | None = field(default=None, metadata={"wire": "from"})
    limit: int = 50


@frozen(kw_only=True)
class SettleReport(Call[Empty]):
    """Strike a report off the list."""

    report_id: str


_V3 = "/_matrix/client/v3"
_OURS = "/_chatproto/v1/reports"

REPORT_EVENT = Operation(
    name="report.event",
    http=f"POST {_V3}/rooms/{{room_id}}/report/{{event_id}}",
    request=ReportEvent,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_NOT_FOUND", "M_TOO_LARGE"),
)
REPORT_ROOM = Operation(
    name="report.room",
    http=f"POST {_V3}/rooms/{{room_id}}/report",
    request=ReportRoom,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_TOO_LARGE",),
)
REPORT_USER = Operation(
    name="report.user",
    http=f"POST {_V3}/users/{{user_id}}/report",
    request=ReportUser,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_NOT_FOUND", "M_TOO_LARGE"),
)
LIST_REPORTS = Operation(
    name="report.list",
    http=f"GET {_OURS}",
    request=ListReports,
    response=Reports,
    access=Access.ADMIN,
    errors=("M_FORBIDDEN", "M_INVALID_PARAM"),
)
SETTLE_REPORT = Operation(
    name="report.settle",
    http=f"DELETE {_OURS}/{{report_id}}",
    request=SettleReport,
    response=Empty,
    access=Access.ADMIN,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)

OPERATIONS: tuple[Operation, ...] = (
    REPORT_EVENT,
    REPORT_ROOM,
    REPORT_USER,
    LIST_REPORTS,
    SETTLE_REPORT,
)
