"""What an embedder may replace: storage, broker, files, clock, keys."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from typing import Any, Protocol, TypeAlias

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import Delete, Find, Put, Row, SeenEvent, Update
from chatproto.events.envelope import Pdu
from chatproto.ids import DeviceId, EventId, RoomId, UserId
from chatproto.rooms.timeline import Timeline
from chatproto.signing import SigningKey


class Clock(Protocol):
    """The time of day, in milliseconds since the epoch, and a steady one."""

    def now_ms(self) -> int: ...
    def monotonic(self) -> float: ...


class KeyStore(Protocol):
    """The server's signing keys."""

    def signing_key(self) -> SigningKey: ...


@frozen(kw_only=True)
class StoreEvent:
    """Append an event to a room's history, and to its state if it is one."""

    pdu: Pdu
    seq: int
    pos: int
    bumps: bool
    counts: bool
    mentions: tuple[UserId, ...] = ()
    mentions_room: bool = False
    relates_to: EventId | None = None
    rel_type: str | None = None
    device_id: DeviceId | None = None  # of the sender, where `txn_id` is told
    txn_id: str | None = None


@frozen(kw_only=True)
class StoreRoom:
    """A new room, before its first event."""

    room_id: RoomId
    version: str
    creator: UserId


@frozen(kw_only=True)
class StoreMembership:
    """Where a user stands in a room, from a member event of this server's user."""

    room_id: RoomId
    user_id: UserId
    membership: str
    seq: int
    pos: int
    changed: bool  # false for a new name or avatar: the position in lists stays


@frozen(kw_only=True)
class StoreRedaction:
    """Replace an event by its redacted form."""

    room_id: RoomId
    event_id: EventId
    redacted_by: EventId
    json: JsonObject


@frozen(kw_only=True)
class StoreReceipt:
    """Move a receipt forward; one that is not ahead changes nothing."""

    pos: int
    room_id: RoomId
    user_id: UserId
    type: str
    thread_id: str  # "" for the whole room
    event_id: EventId
    seq: int
    ts: int


@frozen(kw_only=True)
class StoreAccountData:
    pos: int
    user_id: UserId
    room_id: RoomId | None
    type: str
    content: JsonObject


@frozen(kw_only=True)
class StoreToDevice:
    pos: int
    user_id: UserId
    device_id: DeviceId
    sender: UserId
    type: str
    content: JsonObject


@frozen(kw_only=True)
class StoreDeviceList:
    """The keys of a user's devices have changed."""

    pos: int
    user_id: UserId


@frozen
class StoreConfirmed:
    """A device has what was sent to it, up to a position."""

    user_id: UserId
    device_id: DeviceId
    through: int


@frozen(kw_only=True)
class StoreTxn:
    """Remember the answer to a call that may be repeated."""

    user_id: UserId
    device_id: DeviceId
    operation: str
    txn_id: str
    reply: bytes
    ts: int


StoreWrite: TypeAlias = (
    StoreEvent
    | StoreRoom
    | StoreMembership
    | StoreRedaction
    | StoreReceipt
    | StoreAccountData
    | StoreToDevice
    | StoreDeviceList
    | StoreConfirmed
    | StoreTxn
    | Put
    | Update
    | Delete
)


@define(eq=False)
class Transaction:
    """Writes that happen all or not at all; `context` is the engine's own."""

    writes: list[StoreWrite] = field(factory=list)
    context: Any = None


OnCommit: TypeAlias = Callable[[Sequence[Transaction], BaseException | None], None]


@frozen(kw_only=True)
class RoomRow:
    """What is known of a room without its state."""

    room_id: RoomId
    version: str
    creator: UserId
    head: EventId
    seq: int
    depth: int
    last_pos: int  # pos of the newest event of any kind
    bump_pos: int  # pos of the newest event that lifts the room, 0 if none
    bump_sender: UserId | None
    bump_other_pos: int  # the newest that lifts, by another sender than bump_sender
    is_public: bool


@frozen(kw_only=True)
class MembershipRow:
    """Where a user stands in a room."""

    room_id: RoomId
    user_id: UserId
    membership: str
    seq: int  # of the newest member event
    pos: int
    changed_seq: int  # of the member event by which the membership last changed
    changed_pos: int
    sent_seq: int  # of the user's newest event that lifts, 0 if none
    forgotten: bool


@frozen(kw_only=True)
class Unread:
    """Counts of what counts, in events up to seq `through`.

    A muted room shows none of them; they are what is unread once it is heard again.
    """

    read_seq: int
    through: int
    notification_count: int
    highlight_count: int
    is_muted: bool = False
    threads: Mapping[EventId, tuple[int, int]] = field(factory=dict)


@frozen(kw_only=True)
class UnreadEvent:
    """An event that may be unread: `thread` is the root of the thread it is in."""

    seq: int
    thread: EventId | None
    json: JsonObject


@frozen(kw_only=True)
class Related:
    """What relates to an event in one way: how many, the newest, whether one's own."""

    event_id: EventId
    rel_type: str
    count: int
    newest: int  # its seq
    has_own: bool
    event_ids: tuple[EventId, ...] = ()  # only of m.reference


@frozen(kw_only=True)
class TextSearch:
    """What is looked for, and where.

    `spans` are (room, first seq, last seq, newest seq in the room that the searcher may
    see); `through` bounds the pos of what is found. None lets all pass. `offset`,
    `before` (a pos), `in_room` and `by_sender` take some of what is found without a
    change of its places.
    """

    term: str
    spans: Sequence[tuple[RoomId, int, int, int]]
    through: int
    by_rank: bool
    types: Collection[str]
    senders: Collection[str] | None = None
    not_senders: Collection[str] = ()
    contains_url: bool | None = None
    related: bool = False  # only what others relate to, by these kinds, from these
    related_rel_types: Collection[str] | None = None
    related_senders: Collection[str] | None = None
    offset: int = 0
    before: int = 2**62
    in_room: RoomId | None = None
    by_sender: UserId | None = None


@frozen
class TextHit:
    """A message that was found; `fit` says how well, higher is better. `place` is its
    own among all that was found, counted from 1.
    """

    room_id: RoomId
    seq: int
    pos: int
    sender: UserId
    fit: float
    place: int


@frozen(kw_only=True)
class ReceiptRow:
    pos: int
    room_id: RoomId
    user_id: UserId
    type: str
    thread_id: str
    event_id: EventId
    seq: int
    ts: int


@frozen(kw_only=True)
class AccountDataRow:
    pos: int
    room_id: RoomId | None
    type: str
    content: JsonObject


@frozen(kw_only=True)
class ToDeviceRow:
    pos: int
    sender: UserId
    type: str
    content: JsonObject


@frozen(kw_only=True)
class KeyCounts:
    """What a device has left for others to claim: one-time keys by algorithm, and the
    algorithms of fallback keys that have not been used.
    """

    one_time: Mapping[str, int]
    unused_fallback: tuple[str, ...]


@frozen(kw_only=True)
class DeviceChanges:
    """Users whose devices' keys a user has to ask for again, or needs no longer."""

    changed: frozenset[UserId] = frozenset()
    left: frozenset[UserId] = frozenset()


@frozen
class EventHead:
    """Where an event stands, and whom it is about."""

    pos: int
    room_id: RoomId
    seq: int
    type: str
    sender: UserId
    state_key: str | None


@frozen
class Migration:
    """A numbered step of a schema: SQL statements, run once and in one transaction."""

    number: int
    name: str
    sql: tuple[str, ...]


class Store(Protocol):
    """Where everything is kept.

    `submit` never blocks: transactions become durable in the order of submission,
    and `on_commit` is called on the event loop with each batch that has, in order,
    or with the error if it could not be (then nothing of it, and nothing submitted
    after it and before the call, has been stored). Reads see what is committed.
    `until` bounds a read to what was stored up to that pos.
    """

    async def open(self, on_commit: OnCommit) -> None: ...
    async def aclose(self) -> None: ...
    def submit(self, transaction: Transaction) -> None: ...
    @property
    def pending(self) -> int: ...

    async def migrate(self, owner: str, migrations: Sequence[Migration]) -> None:
        """Run what has not been run yet of a module's migrations."""
        ...

    async def last_pos(self) -> int: ...
    async def find(self, find: Find) -> Sequence[Row]: ...
    async def txn_reply(
        self,
        user_id: UserId,
        device_id: DeviceId,
        operation: str,
        txn_id: str,
    ) -> bytes | None: ...

    # rooms and their events
    async def room(self, room_id: RoomId) -> RoomRow | None: ...
    async def timeline(self, room_id: RoomId) -> Timeline | None: ...
    async def event(self, room_id: RoomId, event_id: EventId) -> SeenEvent | None: ...
    async def events(
        self,
        room_id: RoomId,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int,
        backwards: bool = False,
        ranges: Sequence[tuple[int, int]] | None = None,
    ) -> Sequence[SeenEvent]:
        """Events with after < seq < before, within ranges, oldest first (or newest)."""
        ...

    async def state_at(self, room_id: RoomId, seq: int) -> Sequence[SeenEvent]:
        """The state after event `seq`."""
        ...

    async def state_between(
        self, room_id: RoomId, after: int, through: int
    ) -> Sequence[SeenEvent]:
        """The newest event of each piece of state that changed in (after, through]."""
        ...

    async def members_at(
        self, room_id: RoomId, user_ids: Collection[UserId], seq: int
    ) -> Sequence[SeenEvent]:
        """The member events of these users that are in force after event `seq`."""
        ...

    async def state_changes(
        self, room_id: RoomId, event_type: str, state_key: str
    ) -> Sequence[SeenEvent]:
        """Every event that set one piece of state, oldest first."""
        ...

    async def seq_at(self, room_id: RoomId, pos: int) -> int:
        """The seq of the room's newest event stored at or before a pos; 0 if none."""
        ...

    async def events_at(
        self, room_id: RoomId, seqs: Sequence[int]
    ) -> Sequence[SeenEvent]:
        """The events at these places, oldest first."""
        ...

    async def replaced(
        self, room_id: RoomId, seqs: Sequence[int]
    ) -> Sequence[tuple[int, SeenEvent]]:
        """For each state event at these places, by its seq, the one that it replaced;
        without those that replaced nothing.
        """
        ...

    async def relations(
        self,
        room_id: RoomId,
        event_id: EventId,
        *,
        rel_type: str | None = None,
        event_type: str | None = None,
        after: int = 0,
        before: int | None = None,
        limit: int,
        backwards: bool = True,
        hops: int = 1,
    ) -> Sequence[SeenEvent]:
        """Events that relate to one, over so many relations in between."""
        ...

    async def related(
        self,
        room_id: RoomId,
        event_ids: Sequence[EventId],
        user_id: UserId,
        *,
        through: int,
    ) -> Sequence[Related]:
        """What relates to events by m.replace, m.thread and m.reference, as of the
        event `through`, without what has been redacted.
        """
        ...

    async def relating(
        self, room_id: RoomId, event_ids: Sequence[EventId]
    ) -> Mapping[EventId, Sequence[tuple[str, UserId]]]:
        """For each of these events the relations to it, as (rel_type, sender)."""
        ...

    async def annotation(
        self, room_id: RoomId, event_id: EventId, sender: UserId, key: str
    ) -> EventId | None:
        """The sender's own reaction with this key, if there is one not redacted."""
        ...

    async def thread_roots(
        self, room_id: RoomId, *, before: int | None, limit: int, sender: UserId | None
    ) -> Sequence[tuple[SeenEvent, int]]:
        """Thread roots with the seq of the newest answer, the newest answered first."""
        ...

    async def search_texts(
        self, search: TextSearch, *, limit: int
    ) -> tuple[Sequence[TextHit], int]:
        """Messages, room names and topics with all words of a text, the last by its
        beginning; and about how many there are.

        A message that was edited is found by the words of its newest edit.
        """
        ...

    async def reports(self, *, after: int, limit: int) -> Sequence[Row]:
        """What has been reported, after the report with an ID, the oldest first."""
        ...

    # users
    async def membership(
        self, room_id: RoomId, user_id: UserId
    ) -> MembershipRow | None: ...
    async def memberships(self, user_id: UserId) -> Sequence[MembershipRow]: ...
    async def local_members(self, room_id: RoomId) -> Sequence[UserId]:
        """This server's users who have joined the room."""
        ...

    async def shared_users(self, user_id: UserId) -> Sequence[UserId]:
        """Everyone who is in a room with the user."""
        ...

    async def search_users(
        self, user_id: UserId, term: str, limit: int
    ) -> Sequence[Row]:
        """Users (user_id, display_name, avatar_url) by any word part, caseless."""
        ...

    async def statuses(self) -> Sequence[Row]:
        """Users who have a status text: user_id, status_msg, status_expires_ts."""
        ...

    async def public_rooms(
        self, *, term: str | None, offset: int, limit: int
    ) -> tuple[Sequence[RoomId], int]:
        """Listed rooms, the largest first, and how many match."""
        ...

    async def joined_count(self, room_id: RoomId) -> int: ...

    async def media_bytes(self, user_id: UserId, since: int) -> tuple[int, int]:
        """How many bytes a user has uploaded in all, and since a time."""
        ...

    # the streams
    async def rooms_changed(
        self, user_id: UserId, after: int, until: int
    ) -> Sequence[RoomId]:
        """Rooms the user is in that got an event in (after, until]."""
        ...

    async def receipts(
        self, room_ids: Sequence[RoomId], *, after: int, until: int
    ) -> Sequence[ReceiptRow]: ...
    async def receipts_of(
        self, room_id: RoomId, user_id: UserId
    ) -> Sequence[ReceiptRow]: ...
    async def account_data(
        self, user_id: UserId, *, after: int, until: int
    ) -> Sequence[AccountDataRow]: ...
    async def account_datum(
        self, user_id: UserId, room_id: RoomId | None, event_type: str
    ) -> JsonObject | None: ...
    async def to_device(
        self,
        user_id: UserId,
        device_id: DeviceId,
        *,
        after: int,
        until: int,
        limit: int,
    ) -> Sequence[ToDeviceRow]: ...
    def confirm_to_device(
        self, user_id: UserId, device_id: DeviceId, through: int
    ) -> None:
        """Forget what the device has confirmed; need not be durable at once."""
        ...

    # keys
    async def key_counts(self, user_id: UserId, device_id: DeviceId) -> KeyCounts: ...
    async def device_changes(
        self, user_id: UserId, *, after: int, until: int
    ) -> DeviceChanges:
        """Whose devices changed in (after, until], as far as they share a room with the
        user; who came to share one; and who shares none any more.
        """
        ...

    async def backed_up(
        self,
        user_id: UserId,
        version: int,
        sessions: Sequence[tuple[RoomId, str]],
    ) -> Sequence[Row]:
        """The rows of these sessions, as far as they are in a backup of keys."""
        ...

    async def backed_up_count(self, user_id: UserId, version: int) -> int: ...

    async def event_heads(
        self, *, after: int, until: int, limit: int
    ) -> Sequence[EventHead]:
        """The events of all rooms in (after, until], oldest first."""
        ...

    async def unread(
        self,
        room_id: RoomId,
        user_id: UserId,
        *,
        through: int,
        read_seq: int = 0,
        by_thread: bool = False,
    ) -> Unread:
        """Unread counts, as docs/protocol/sync.md says, after the user's read position
        or after `read_seq`, whichever is further. `by_thread` counts threads apart.
        """
        ...

    async def unread_events(
        self,
        room_id: RoomId,
        user_id: UserId,
        *,
        after: int,
        through: int,
        types: Collection[str],
        limit: int,
    ) -> Sequence[UnreadEvent]:
        """Others' messages of these types, the newest first, without edits and without
        what has been redacted.
        """
        ...


class MediaStore(Protocol):
    """Where files are kept, by a media ID that was checked by grammar."""

    async def put(self, media_id: str, body: AsyncIterator[bytes]) -> int:
        """Store a file whole or not at all; returns its size in bytes."""
        ...

    def get(
        self, media_id: str, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes]:
        """The bytes of a file from `start` up to, not including, `end`."""
        ...

    async def size(self, media_id: str) -> int | None: ...
    async def delete(self, media_id: str) -> None: ...


class Broker(Protocol):
    """Carries what is delivered between the processes of one server."""

    def publish(self, topic: str, message: Mapping[str, Any]) -> None: ...
    def subscribe(
        self, topic: str, receive: Callable[[Mapping[str, Any]], None]
    ) -> None: ...
