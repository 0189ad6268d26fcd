"""What a handler is given, and what it answers: values, no I/O.

A handler declares what it needs, gets a `View` with just that, and returns a
`Decision`. The engine commits a decision whole or not at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft, Pdu
from chatproto.events.registry import Registry
from chatproto.ids import DeviceId, EventId, RoomId, ServerName, UserId
from chatproto.operations.declare import Operation
from chatproto.rooms.timeline import Timeline
from chatproto.rooms.version import RoomVersion


@frozen(kw_only=True)
class Caller:
    """Who calls. `user_id` is None for a call without an access token.

    `appservice` is the ID of the application service that acts for the user; it may
    say when what is sent has happened, in milliseconds since the epoch.
    """

    user_id: UserId | None = None
    device_id: DeviceId | None = None
    is_admin: bool = False
    is_guest: bool = False
    address: str = ""
    user_agent: str = ""
    appservice: str | None = None
    is_limited: bool = True
    sent_ts: int | None = None

    @property
    def user(self) -> UserId:
        if self.user_id is None:
            raise MatrixError("M_MISSING_TOKEN", "this call needs an access token")
        return self.user_id

    @property
    def device(self) -> DeviceId:
        if self.device_id is None:
            raise MatrixError("M_FORBIDDEN", "this call needs a device")
        return self.device_id


@frozen(kw_only=True)
class Find:
    """Rows of a table: all whose columns equal `where`."""

    table: str
    where: Mapping[str, Any]
    order: tuple[str, ...] = ()
    limit: int | None = None


@frozen(kw_only=True)
class Needs:
    """What a decision has to see.

    `rooms` are loaded with their state; `events` are looked up by ID; `rows` are
    found by name; `joined` are users of whom it has to know the joined rooms.
    """

    rooms: tuple[RoomId, ...] = ()
    events: tuple[tuple[RoomId, EventId], ...] = ()
    rows: Mapping[str, Find] = field(factory=dict)
    joined: tuple[UserId, ...] = ()


NO_NEEDS = Needs()

Row: TypeAlias = Mapping[str, Any]


@frozen(kw_only=True)
class SeenEvent:
    """A stored event with its place."""

    pdu: Pdu
    seq: int
    pos: int
    counts: bool = False
    mentions_room: bool = False
    redacted_by: EventId | None = None
    device_id: DeviceId | None = None  # of the sender, where `txn_id` is known
    txn_id: str | None = None


@frozen(kw_only=True)
class View:
    """What a decision sees: the caller, the time, and what it said that it needs."""

    caller: Caller
    server: ServerName
    now_ms: int
    registry: Registry
    rooms: Mapping[RoomId, Timeline] = field(factory=dict)
    events: Mapping[EventId, SeenEvent] = field(factory=dict)
    rows: Mapping[str, Sequence[Row]] = field(factory=dict)
    joined: Mapping[UserId, Sequence[RoomId]] = field(factory=dict)
    prepared: Any = None
    random: Callable[[int], bytes] = field(repr=False)

    def room(self, room_id: RoomId) -> Timeline:
        """The room; raises MatrixError M_NOT_FOUND if this server has none such."""
        room = self.rooms.get(room_id)
        if room is None:
            raise MatrixError("M_NOT_FOUND", f"no room {room_id} on this server")
        return room

    def row(self, name: str) -> Row | None:
        """The first row found under a name."""
        rows = self.rows[name]
        return rows[0] if rows else None


@frozen(kw_only=True)
class Append:
    """Events to append to one room, in order."""

    room_id: RoomId
    drafts: tuple[EventDraft, ...]
    create: RoomVersion | None = None


@frozen(kw_only=True)
class Put:
    """Insert a row, or replace the one with the same key."""

    table: str
    row: Row


@frozen(kw_only=True)
class Update:
    """Change columns of the rows that match."""

    table: str
    where: Row
    set: Row


@frozen(kw_only=True)
class Delete:
    """Delete the rows that match."""

    table: str
    where: Row


@frozen(kw_only=True)
class PutAccountData:
    """Store account data and tell the user's devices."""

    user_id: UserId
    type: str
    content: JsonObject
    room_id: RoomId | None = None


@frozen(kw_only=True)
class PutReceipt:
    """Move a read receipt forward and tell who may see it.

    `unread` are the user's counts after it, as docs/protocol/socket.md has them.
    """

    room_id: RoomId
    user_id: UserId
    type: str
    event_id: EventId
    seq: int
    ts: int
    thread_id: str | None = None
    unread: JsonObject | None = None


@frozen(kw_only=True)
class QueueToDevice:
    """Queue an event for a device until it has confirmed it."""

    user_id: UserId
    device_id: DeviceId
    sender: UserId
    type: str
    content: JsonObject


@frozen(kw_only=True)
class ChangeDeviceList:
    """Tell everybody in a user's rooms that the keys of their devices have changed."""

    user_id: UserId
    rooms: tuple[RoomId, ...] = ()


@frozen(kw_only=True)
class SetTypingUntil:
    """Note that a user is writing until a time; None: no longer."""

    room_id: RoomId
    user_id: UserId
    until_ms: int | None


@frozen(kw_only=True)
class SetUserPresence:
    """Note a user's presence and tell the rooms they are in.

    The status text is kept over restarts.
    """

    user_id: UserId
    presence: str
    status_msg: str | None
    expires_ms: int | None = None
    rooms: tuple[RoomId, ...] = ()


@frozen(kw_only=True)
class EndSessions:
    """Close the live connections of a user: all, some devices, or all but one."""

    user_id: UserId
    devices: tuple[DeviceId, ...] | None = None
    keep: DeviceId | None = None


@frozen(kw_only=True)
class StartPushing:
    """Let the pushers of a user begin, or end, as they are stored now."""

    user_id: UserId


@frozen(kw_only=True)
class CatchUp:
    """Let live connections of a user, or of one device, read their stream anew: what
    they are told of beside its events has changed.
    """

    user_id: UserId
    device_id: DeviceId | None = None


Write: TypeAlias = (
    Put
    | Update
    | Delete
    | PutAccountData
    | PutReceipt
    | QueueToDevice
    | ChangeDeviceList
)
Effect: TypeAlias = (
    SetTypingUntil | SetUserPresence | EndSessions | CatchUp | StartPushing
)


@frozen(kw_only=True)
class Decision:
    """What is to happen, all or nothing, and what is then answered.

    `reply` is the answer, or is made from the appended events.
    """

    append: tuple[Append, ...] = ()
    writes: tuple[Write, ...] = ()
    effects: tuple[Effect, ...] = ()
    reply: Any = None


Appended: TypeAlias = Sequence[SeenEvent]
ReplyOf: TypeAlias = Callable[[Appended], Any]


@frozen
class ReplyFrom:
    """An answer that is made once the events have their IDs and places."""

    make: ReplyOf


class Reading(Protocol):
    """What a handler that only reads may ask of the server."""

    caller: Caller
    server: ServerName
    now_ms: int

    async def find(self, find: Find) -> Sequence[Row]: ...
    async def room(self, room_id: RoomId) -> Timeline: ...


def needs_nothing(_caller: Caller, _request: Any) -> Needs:
    return NO_NEEDS


@frozen
class Decides:
    """A handler of an operation that changes something: a pure function.

    `needs` says, from caller and request, what the decision has to see. `prepare`
    does slow work beforehand (hashing a password); its outcome is `view.prepared`,
    and `found_rooms` says which rooms it found that the decision has to see as well.
    `alone` names what only one call at a time may be about: the next is prepared when
    the one before has been stored. None: any number.
    """

    operation: Operation
    decide: Callable[[View, Any], Decision]
    needs: Callable[[Caller, Any], Needs] = needs_nothing
    prepare: Callable[[Any, Caller, Any], Awaitable[Any]] | None = None
    found_rooms: Callable[[Any], tuple[RoomId, ...]] | None = None
    alone: Callable[[Caller, Any], str | None] | None = None


@frozen
class Reads:
    """A handler of an operation that changes nothing."""

    operation: Operation
    read: Callable[[Any, Any], Awaitable[Any]]


Handler: TypeAlias = Decides | Reads
