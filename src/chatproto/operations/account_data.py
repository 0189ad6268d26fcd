"""What an account keeps for itself: account data, tags, messages to its devices."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import RoomId, TxnId, UserId
from chatproto.operations.declare import Call, Empty, Operation, Rate


@frozen(kw_only=True)
class SetAccountData(Call[Empty]):
    """Store a value of one's account, for all devices."""

    user_id: UserId
    type: str
    content: JsonObject


@frozen(kw_only=True)
class GetAccountData(Call[JsonObject]):
    """Read a value of one's account."""

    user_id: UserId
    type: str


@frozen(kw_only=True)
class SetRoomAccountData(Call[Empty]):
    """Store a value of one's account for one room."""

    user_id: UserId
    room_id: RoomId
    type: str
    content: JsonObject


@frozen(kw_only=True)
class GetRoomAccountData(Call[JsonObject]):
    """Read a value of one's account for one room."""

    user_id: UserId
    room_id: RoomId
    type: str


@frozen(kw_only=True)
class Tags:
    tags: dict[str, JsonObject]


@frozen(kw_only=True)
class GetTags(Call[Tags]):
    """List one's tags on a room."""

    user_id: UserId
    room_id: RoomId


@frozen(kw_only=True)
class SetTag(Call[Empty]):
    """Put a tag on a room: m.favourite pins it, m.lowpriority archives it."""

    user_id: UserId
    room_id: RoomId
    tag: str
    content: JsonObject = field(factory=dict)


@frozen(kw_only=True)
class DeleteTag(Call[Empty]):
    """Take a tag off a room."""

    user_id: UserId
    room_id: RoomId
    tag: str


@frozen(kw_only=True)
class SendToDevice(Call[Empty]):
    """Send events to devices, past every room: {user: {device or "*": content}}."""

    event_type: str
    txn_id: TxnId
    messages: dict[UserId, dict[str, JsonObject]]


_USER = "/_matrix/client/v3/user/{user_id}"
_ROOM = f"{_USER}/rooms/{{room_id}}"

SET_ACCOUNT_DATA = Operation(
    name="account_data.set",
    http=f"PUT {_USER}/account_data/{{type}}",
    request=SetAccountData,
    response=Empty,
    body="content",
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN", "M_BAD_JSON"),
)
GET_ACCOUNT_DATA = Operation(
    name="account_data.get",
    http=f"GET {_USER}/account_data/{{type}}",
    request=GetAccountData,
    response=dict,
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)
SET_ROOM_ACCOUNT_DATA = Operation(
    name="account_data.set_room",
    http=f"PUT {_ROOM}/account_data/{{type}}",
    request=SetRoomAccountData,
    response=Empty,
    body="content",
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN", "M_BAD_JSON"),
)
GET_ROOM_ACCOUNT_DATA = Operation(
    name="account_data.get_room",
    http=f"GET {_ROOM}/account_data/{{type}}",
    request=GetRoomAccountData,
    response=dict,
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)
GET_TAGS = Operation(
    name="tag.list",
    http=f"GET {_ROOM}/tags",
    request=GetTags,
    response=Tags,
    errors=("M_FORBIDDEN",),
)
SET_TAG = Operation(
    name="tag.set",
    http=f"PUT {_ROOM}/tags/{{tag}}",
    request=SetTag,
    response=Empty,
    body="content",
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN",),
)
DELETE_TAG = Operation(
    name="tag.delete",
    http=f"DELETE {_ROOM}/tags/{{tag}}",
    request=DeleteTag,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN",),
)
SEND_TO_DEVICE = Operation(
    name="to_device.send",
    http="PUT /_matrix/client/v3/sendToDevice/{event_type}/{txn_id}",
    request=SendToDevice,
    response=Empty,
    rate=Rate.MESSAGE,
    once_by="txn_id",
)

OPERATIONS = (
    SET_ACCOUNT_DATA,
    GET_ACCOUNT_DATA,
    SET_ROOM_ACCOUNT_DATA,
    GET_ROOM_ACCOUNT_DATA,
    GET_TAGS,
    SET_TAG,
    DELETE_TAG,
    SEND_TO_DEVICE,
)
