"""What has been read, and who is writing."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.ids import EventId, RoomId, UserId
from chatproto.operations.codec import wire
from chatproto.operations.declare import Call, Empty, Operation, Rate


@frozen(kw_only=True)
class SendReceipt(Call[Empty]):
    """Say up to which event one has read.

    `receipt_type` is m.read (shown to the others), m.read.private or m.fully_read;
    `thread_id` is "main" or a thread's root, and absent for the whole room.
    """

    room_id: RoomId
    receipt_type: str
    event_id: EventId
    thread_id: str | None = None


@frozen(kw_only=True)
class SetReadMarkers(Call[Empty]):
    """Set the fully-read marker and the read receipts in one call."""

    room_id: RoomId
    fully_read: EventId | None = field(default=None, metadata=wire("m.fully_read"))
    read: EventId | None = field(default=None, metadata=wire("m.read"))
    read_private: EventId | None = field(default=None, metadata=wire("m.read.private"))


@frozen(kw_only=True)
class SetTyping(Call[Empty]):
    """Say that one is writing, for `timeout` milliseconds, or no longer is."""

    room_id: RoomId
    user_id: UserId
    typing: bool
    timeout: int = 30_000


_ROOM = "/_matrix/client/v3/rooms/{room_id}"

SEND_RECEIPT = Operation(
    name="receipt.send",
    http=f"POST {_ROOM}/receipt/{{receipt_type}}/{{event_id}}",
    request=SendReceipt,
    response=Empty,
    rate=Rate.EPHEMERAL,
    errors=("M_FORBIDDEN", "M_NOT_FOUND", "M_INVALID_PARAM"),
)
SET_READ_MARKERS = Operation(
    name="receipt.set_markers",
    http=f"POST {_ROOM}/read_markers",
    request=SetReadMarkers,
    response=Empty,
    rate=Rate.EPHEMERAL,
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)
SET_TYPING = Operation(
    name="typing.set",
    http=f"PUT {_ROOM}/typing/{{user_id}}",
    request=SetTyping,
    response=Empty,
    rate=Rate.EPHEMERAL,
    errors=("M_FORBIDDEN",),
)

OPERATIONS = (SEND_RECEIPT, SET_READ_MARKERS, SET_TYPING)
