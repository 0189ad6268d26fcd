"""What is read from a store."""

from __future__ import annotations

from collections.abc import (
    Collection,
    Mapping,
    Sequence,
)

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, UserId


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
