"""Search in messages."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, UserId
from chatproto.operations.declare import Call, Operation, Rate

KEYS = ("content.body", "content.name", "content.topic")


@frozen(kw_only=True)
class WantedContext:
    """How many events around a result are wanted, and whether their senders' profiles."""

    before_limit: int = 5
    after_limit: int = 5
    include_profile: bool = False


@frozen(kw_only=True)
class GroupBy:
    key: str


@frozen(kw_only=True)
class WantedGroups:
    group_by: tuple[GroupBy, ...] = ()


@frozen(kw_only=True)
class RoomEventsCriteria:
    """`order_by` is rank or recent; `filter` is a RoomEventFilter."""

    search_term: str
    keys: tuple[str, ...] = KEYS
    filter: JsonObject = field(factory=dict)
    order_by: str = "rank"
    event_context: WantedContext | None = None
    include_state: bool = False
    groupings: WantedGroups = field(factory=WantedGroups)


@frozen(kw_only=True)
class SearchCriteria:
    room_events: RoomEventsCriteria | None = None


@frozen(kw_only=True)
class SenderProfile:
    displayname: str | None = None
    avatar_url: str | None = None


@frozen(kw_only=True)
class ResultContext:
    """Tokens as those of the room's history."""

    start: str
    end: str
    events_before: tuple[JsonObject, ...]
    events_after: tuple[JsonObject, ...]
    profile_info: dict[UserId, SenderProfile] | None = None


@frozen(kw_only=True)
class SearchResult:
    """`rank` is the higher the better the result fits."""

    rank: float
    result: JsonObject
    context: ResultContext | None = None


@frozen(kw_only=True)
class ResultGroup:
    results: tuple[EventId, ...]
    order: int
    next_batch: str | None = None


@frozen(kw_only=True)
class RoomEventsResults:
    """`highlights` are the words of the results that were looked for."""

    count: int
    highlights: tuple[str, ...]
    results: tuple[SearchResult, ...]
    next_batch: str | None = None
    state: dict[RoomId, tuple[JsonObject, ...]] | None = None
    groups: dict[str, dict[str, ResultGroup]] | None = None


@frozen(kw_only=True)
class SearchResults:
    room_events: RoomEventsResults | None = None


@frozen(kw_only=True)
class FoundEvents:
    search_categories: SearchResults


@frozen(kw_only=True)
class SearchEvents(Call[FoundEvents]):
    """Search the messages, names and topics of all rooms one is or was in."""

    search_categories: SearchCriteria
    next_batch: str | None = None


@frozen(kw_only=True)
class EventAtTime:
    """`origin_server_ts` is in milliseconds since the epoch."""

    event_id: EventId
    origin_server_ts: int


@frozen(kw_only=True)
class GetEventAtTime(Call[EventAtTime]):
    """Find the event that is next to a time (`ts`, in milliseconds since the epoch), the
    first since then (`dir=f`) or the last until then (`dir=b`).
    """

    room_id: RoomId
    ts: int
    dir: str


SEARCH_EVENTS = Operation(
    name="search",
    http="POST /_matrix/client/v3/search",
    request=SearchEvents,
    response=FoundEvents,
    query=("next_batch",),
    rate=Rate.SEARCH,
    errors=("M_INVALID_PARAM", "M_LIMIT_EXCEEDED"),
)

GET_EVENT_AT_TIME = Operation(
    name="room.event_at_time",
    http="GET /_matrix/client/v1/rooms/{room_id}/timestamp_to_event",
    request=GetEventAtTime,
    response=EventAtTime,
    errors=("M_FORBIDDEN", "M_INVALID_PARAM", "M_NOT_FOUND"),
)

OPERATIONS: tuple[Operation, ...] = (SEARCH_EVENTS, GET_EVENT_AT_TIME)
