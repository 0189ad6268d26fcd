"""Staying up to date."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import UserId
from chatproto.operations.codec import wire
from chatproto.operations.declare import Call, Operation, Rate


@frozen(kw_only=True)
class Sync(Call[JsonObject]):
    """Get all that is new since a position, or everything without one.

    Waits up to `timeout` milliseconds if nothing is. `filter` is a filter's ID or the
    filter itself as JSON. `use_state_after` asks for the state at the end of each
    timeline instead of at its start. The answer is that of Matrix's /sync, with
    `org.chatproto.*` fields beside it (docs/protocol/sync.md).
    """

    filter: str | None = None
    since: str | None = None
    full_state: bool = False
    set_presence: str = "online"
    timeout: int = 0
    use_state_after: bool = False
    use_state_after_msc: bool = field(
        default=False,
        metadata=wire("org.matrix.msc4222.use_state_after"),
    )


@frozen(kw_only=True)
class FilterStored:
    filter_id: str


@frozen(kw_only=True)
class StoreFilter(Call[FilterStored]):
    """Store a filter for later calls of sync."""

    user_id: UserId
    filter: JsonObject


@frozen(kw_only=True)
class GetFilter(Call[JsonObject]):
    """Read a stored filter."""

    user_id: UserId
    filter_id: str


_V3 = "/_matrix/client/v3"

SYNC = Operation(
    name="sync",
    http=f"GET {_V3}/sync",
    request=Sync,
    response=dict,
    rate=Rate.SYNC,
    errors=("M_UNKNOWN_POS", "M_INVALID_PARAM"),
)
STORE_FILTER = Operation(
    name="filter.store",
    http=f"POST {_V3}/user/{{user_id}}/filter",
    request=StoreFilter,
    response=FilterStored,
    body="filter",
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN",),
)
GET_FILTER = Operation(
    name="filter.get",
    http=f"GET {_V3}/user/{{user_id}}/filter/{{filter_id}}",
    request=GetFilter,
    response=dict,
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)

OPERATIONS = (SYNC, STORE_FILTER, GET_FILTER)
