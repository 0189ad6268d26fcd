"""Events in rooms: state, messages, history, members."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, TxnId, UserId
from chatproto.operations.declare import Call, Operation, Rate


@frozen(kw_only=True)
class Sent:
    """`seq` is the event's place in its room, counted from 1."""

    event_id: EventId
    seq: int | None = field(default=None, metadata={"wire": "org.chatproto.seq"})


@frozen(kw_only=True)
class SendEvent(Call[Sent]):
    """Send a message event to a room."""

    room_id: RoomId
    event_type: str
    txn_id: TxnId
    content: JsonObject


@frozen(kw_only=True)
class EditMessage(Call[Sent]):
    """Replace the content of one's own message."""

    room_id: RoomId
    event_id: EventId
    txn_id: TxnId
    content: JsonObject


@frozen(kw_only=True)
class RedactEvent(Call[Sent]):
    """Take the content of an event away, one's own or with the right to."""

    room_id: RoomId
    event_id: EventId
    txn_id: TxnId
    reason: str | None = None


@frozen(kw_only=True)
class ForwardEvent(Call[Sent]):
    """Copy a message into another room, with its author named as the origin."""

    room_id: RoomId
    txn_id: TxnId
    from_room_id: RoomId
    event_id: EventId


@frozen(kw_only=True)
class SetState(Call[Sent]):
    """Set a piece of a room's state."""

    room_id: RoomId
    event_type: str
    content: JsonObject
    state_key: str = ""


@frozen(kw_only=True)
class GetState(Call[JsonObject]):
    """Read one piece of a room's state; `format` is content or event."""

    room_id: RoomId
    event_type: str
    state_key: str = ""
    format: str = "content"


@frozen(kw_only=True)
class GetAllState(Call[tuple[JsonObject, ...]]):
    """Read the whole state of a room."""

    room_id: RoomId


@frozen(kw_only=True)
class HistoryPage:
    """`end` is absent where there is no more."""

    chunk: tuple[JsonObject, ...]
    start: str
    end: str | None = None
    state: tuple[JsonObject, ...] = ()


@frozen(kw_only=True)
class GetHistory(Call[HistoryPage]):
    """Page through a room's events, back (`dir=b`) or forth (`dir=f`)."""

    room_id: RoomId
    dir: str = "b"
    from_: str | None = field(default=None, metadata={"wire": "from"})
    to: str | None = None
    limit: int = 10
    filter: str | None = None


@frozen(kw_only=True)
class GetEvent(Call[JsonObject]):
    """Read one event."""

    room_id: RoomId
    event_id: EventId


@frozen(kw_only=True)
class EventContext:
    start: str
    end: str
    event: JsonObject
    events_before: tuple[JsonObject, ...]
    events_after: tuple[JsonObject, ...]
    state: tuple[JsonObject, ...]


@frozen(kw_only=True)
class GetContext(Call[EventContext]):
    """Read an event with what was said around it."""

    room_id: RoomId
    event_id: EventId
    limit: int = 10
    filter: str | None = None


@frozen(kw_only=True)
class RelatedEvents:
    chunk: tuple[JsonObject, ...]
    next_batch: str | None = None
    prev_batch: str | None = None
    recursion_depth: int | None = None  # where relations of relations were followed


@frozen(kw_only=True)
class GetRelations(Call[RelatedEvents]):
    """List the events that relate to one event: edits, reactions, its thread."""

    room_id: RoomId
    event_id: EventId
    dir: str = "b"
    from_: str | None = field(default=None, metadata={"wire": "from"})
    to: str | None = None
    limit: int = 50
    recurse: bool = False


@frozen(kw_only=True)
class GetRelationsOfKind(Call[RelatedEvents]):
    """List the events that relate to one event in one way."""

    room_id: RoomId
    event_id: EventId
    rel_type: str
    dir: str = "b"
    from_: str | None = field(default=None, metadata={"wire": "from"})
    to: str | None = None
    limit: int = 50
    recurse: bool = False


@frozen(kw_only=True)
class GetRelationsOfType(Call[RelatedEvents]):
    """List the events of one type that relate to one event in one way."""

    room_id: RoomId
    event_id: EventId
    rel_type: str
    event_type: str
    dir: str = "b"
    from_: str | None = field(default=None, metadata={"wire": "from"})
    to: str | None = None
    limit: int = 50
    recurse: bool = False


@frozen(kw_only=True)
class ThreadRoots:
    chunk: tuple[JsonObject, ...]
    next_batch: str | None = None


@frozen(kw_only=True)
class GetThreads(Call[ThreadRoots]):
    """List the thread roots of a room, the one answered last first."""

    room_id: RoomId
    include: str = "all"
    from_: str | None = field(default=None, metadata={"wire": "from"})
    limit: int = 20


@frozen(kw_only=True)
class Members:
    chunk: tuple[JsonObject, ...]


@frozen(kw_only=True)
class GetMembers(Call[Members]):
    """List the member events of a room, now or at a position."""

    room_id: RoomId
    at: str | None = None
    membership: str | None = None
    not_membership: str | None = None


@frozen(kw_only=True)
class JoinedMember:
    display_name: str | None = None
    avatar_url: str | None = None


@frozen(kw_only=True)
class JoinedMembers:
    joined: dict[UserId, JoinedMember]


@frozen(kw_only=True)
class GetJoinedMembers(Call[JoinedMembers]):
    """List those who are in a room, with names and avatars."""

    room_id: RoomId


_V3 = "/_matrix/client/v3"
_V1 = "/_matrix/client/v1"
_ROOM = f"{_V3}/rooms/{{room_id}}"
_OURS = "/_chatproto/v1/rooms/{room_id}"
_SEND = "/rooms/{room_id}/send/{event_type}/{txn_id}"
_STATE = "/rooms/{room_id}/state/{event_type}"
_RELATIONS = f"{_V1}/rooms/{{room_id}}/relations/{{event_id}}"

SEND_EVENT = Operation(
    name="room.send",
    http=f"PUT {_V3}{_SEND}",
    request=SendEvent,
    response=Sent,
    body="content",
    rate=Rate.MESSAGE,
    once_by="txn_id",
    errors=("M_FORBIDDEN", "M_TOO_LARGE", "M_DUPLICATE_ANNOTATION"),
)
EDIT_MESSAGE = Operation(
    name="room.edit",
    http=f"PUT {_OURS}/edit/{{event_id}}/{{txn_id}}",
    request=EditMessage,
    response=Sent,
    body="content",
    rate=Rate.MESSAGE,
    once_by="txn_id",
    errors=("M_FORBIDDEN", "M_NOT_FOUND", "M_TOO_LARGE"),
)
REDACT_EVENT = Operation(
    name="room.redact",
    http=f"PUT {_ROOM}/redact/{{event_id}}/{{txn_id}}",
    request=RedactEvent,
    response=Sent,
    rate=Rate.MESSAGE,
    once_by="txn_id",
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)
FORWARD_EVENT = Operation(
    name="room.forward",
    http=f"PUT {_OURS}/forward/{{txn_id}}",
    request=ForwardEvent,
    response=Sent,
    rate=Rate.MESSAGE,
    once_by="txn_id",
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)
SET_STATE = Operation(
    name="state.set",
    http=f"PUT {_V3}{_STATE}/{{state_key}}",
    aliases=(f"{_V3}{_STATE}",),
    request=SetState,
    response=Sent,
    body="content",
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN", "M_TOO_LARGE", "M_BAD_ALIAS"),
)
GET_STATE = Operation(
    name="state.get",
    http=f"GET {_V3}{_STATE}/{{state_key}}",
    aliases=(f"{_V3}{_STATE}",),
    request=GetState,
    response=dict,
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)
GET_ALL_STATE = Operation(
    name="state.list",
    http=f"GET {_ROOM}/state",
    request=GetAllState,
    response=tuple,
    errors=("M_FORBIDDEN",),
)
GET_HISTORY = Operation(
    name="room.history",
    http=f"GET {_ROOM}/messages",
    request=GetHistory,
    response=HistoryPage,
    errors=("M_FORBIDDEN",),
)
GET_EVENT = Operation(
    name="room.event",
    http=f"GET {_ROOM}/event/{{event_id}}",
    request=GetEvent,
    response=dict,
    errors=("M_NOT_FOUND",),
)
GET_CONTEXT = Operation(
    name="room.context",
    http=f"GET {_ROOM}/context/{{event_id}}",
    request=GetContext,
    response=EventContext,
    errors=("M_NOT_FOUND",),
)
GET_RELATIONS = Operation(
    name="relations.list",
    http=f"GET {_RELATIONS}",
    request=GetRelations,
    response=RelatedEvents,
    errors=("M_NOT_FOUND",),
)
GET_RELATIONS_OF_KIND = Operation(
    name="relations.list_kind",
    http=f"GET {_RELATIONS}/{{rel_type}}",
    request=GetRelationsOfKind,
    response=RelatedEvents,
    errors=("M_NOT_FOUND",),
)
GET_RELATIONS_OF_TYPE = Operation(
    name="relations.list_type",
    http=f"GET {_RELATIONS}/{{rel_type}}/{{event_type}}",
    request=GetRelationsOfType,
    response=RelatedEvents,
    errors=("M_NOT_FOUND",),
)
GET_THREADS = Operation(
    name="room.threads",
    http=f"GET {_V1}/rooms/{{room_id}}/threads",
    request=GetThreads,
    response=ThreadRoots,
    errors=("M_FORBIDDEN",),
)
GET_MEMBERS = Operation(
    name="room.members",
    http=f"GET {_ROOM}/members",
    request=GetMembers,
    response=Members,
    errors=("M_FORBIDDEN",),
)
GET_JOINED_MEMBERS = Operation(
    name="room.joined_members",
    http=f"GET {_ROOM}/joined_members",
    request=GetJoinedMembers,
    response=JoinedMembers,
    errors=("M_FORBIDDEN",),
)

OPERATIONS = (
    SEND_EVENT,
    EDIT_MESSAGE,
    REDACT_EVENT,
    FORWARD_EVENT,
    SET_STATE,
    GET_STATE,
    GET_ALL_STATE,
    GET_HISTORY,
    GET_EVENT,
    GET_CONTEXT,
    GET_RELATIONS,
    GET_RELATIONS_OF_KIND,
    GET_RELATIONS_OF_TYPE,
    GET_THREADS,
    GET_MEMBERS,
    GET_JOINED_MEMBERS,
)
