"""What is written to a store, all or nothing."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Sequence,
)
from typing import Any, TypeAlias

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import Delete, Put, Update
from chatproto.events.envelope import Pdu
from chatproto.ids import DeviceId, EventId, RoomId, UserId


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
