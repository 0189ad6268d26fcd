"""What a step changed: small values that a user interface can react to."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from attrs import asdict, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, TxnId, UserId


@frozen
class Resynced:
    """Everything but the outbox and drafts was forgotten; a snapshot follows."""

    kind: ClassVar[str] = "resynced"


@frozen
class RoomAdded:
    """A room is there that was not, or stands otherwise than before."""

    kind: ClassVar[str] = "room_added"
    room_id: RoomId
    membership: str


@frozen
class RoomRemoved:
    """The user is no longer in a room; `membership` is leave or ban."""

    kind: ClassVar[str] = "room_removed"
    room_id: RoomId
    membership: str


@frozen
class RoomChanged:
    """The state of a room changed: its name, its members, its rules."""

    kind: ClassVar[str] = "room"
    room_id: RoomId


@frozen
class ListOrder:
    """The rooms of the list, or their order, are others than before."""

    kind: ClassVar[str] = "list_order"


@frozen
class TimelineChanged:
    """Events came or look different now.

    `added` holds all new events, with edits and reactions, in the order of the room;
    `updated` the older ones whose look changed. `live` is true for what was pushed as
    it happened, false for what was caught up on or paged in. `reset` means that
    everything shown of the room was replaced.
    """

    kind: ClassVar[str] = "timeline"
    room_id: RoomId
    added: tuple[EventId, ...] = ()
    updated: tuple[EventId, ...] = ()
    live: bool = False
    reset: bool = False


@frozen
class UnreadChanged:
    kind: ClassVar[str] = "unread"
    room_id: RoomId
    notification_count: int
    highlight_count: int


@frozen
class TypingChanged:
    kind: ClassVar[str] = "typing"
    room_id: RoomId
    user_ids: tuple[UserId, ...]


@frozen
class ReceiptChanged:
    """A user has read up to an event; `seq` is its place."""

    kind: ClassVar[str] = "receipt"
    room_id: RoomId
    user_id: UserId
    event_id: EventId
    seq: int


@frozen
class PresenceChanged:
    kind: ClassVar[str] = "presence"
    user_id: UserId


@frozen
class AccountDataChanged:
    """`room_id` is None for what belongs to no room."""

    kind: ClassVar[str] = "account_data"
    type: str
    room_id: RoomId | None = None


@frozen
class OutboxChanged:
    kind: ClassVar[str] = "outbox"
    room_id: RoomId
    txn_id: TxnId


@frozen
class ExtensionChanged:
    """What a module's reducer makes of a room may be different now."""

    kind: ClassVar[str] = "extension"
    room_id: RoomId
    name: str


@frozen
class ToDevice:
    """A message to this device. It is not kept, and may come again after a resume."""

    kind: ClassVar[str] = "to_device"
    sender: UserId
    type: str
    content: JsonObject


@frozen
class DeviceLists:
    """Users whose devices changed, and users with whom no room is shared any more."""

    kind: ClassVar[str] = "device_lists"
    changed: tuple[UserId, ...] = ()
    left: tuple[UserId, ...] = ()


Change: TypeAlias = (
    Resynced
    | RoomAdded
    | RoomRemoved
    | RoomChanged
    | ListOrder
    | TimelineChanged
    | UnreadChanged
    | TypingChanged
    | ReceiptChanged
    | PresenceChanged
    | AccountDataChanged
    | OutboxChanged
    | ExtensionChanged
    | ToDevice
    | DeviceLists
)


def change_json(change: Change) -> JsonObject:
    """A change as JSON: its fields, and its `kind`."""
    fields = asdict(change, value_serializer=lambda _i, _f, v: _listed(v))
    return {"kind": change.kind, **fields}


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
