"""What an account keeps for itself."""

from __future__ import annotations

from typing import Any

from chatproto.canonical import JsonObject, object_of
from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Find,
    Handler,
    Needs,
    PutAccountData,
    QueueToDevice,
    Reads,
    View,
)
from chatproto.errors import MatrixError
from chatproto.ids import DeviceId, RoomId, UserId, parse_event_type
from chatproto.operations import account_data as ops
from chatproto.operations.declare import Empty
from chatproto.server.handlers.rooms import require_concerned
from chatproto.server.handlers.sessions import require_self
from chatproto.server.push_rules import PUSH_RULES, content_of

# The server keeps these itself; they change through operations of their own.
_NOT_BY_HAND = ("m.fully_read", PUSH_RULES)
MAX_TARGETS = 1_000


def set_account_data(view: View, request: ops.SetAccountData) -> Decision:
    return _set(view, request.user_id, request.type, request.content, None)


def set_room_account_data(view: View, request: ops.SetRoomAccountData) -> Decision:
    require_self(view.caller, request.user_id)
    require_concerned(view, request.room_id)
    content, room_id = request.content, request.room_id
    return _set(view, request.user_id, request.type, content, room_id)


def _set(
    view: View,
    user_id: UserId,
    kind: str,
    content: JsonObject,
    room_id: RoomId | None,
) -> Decision:
    require_self(view.caller, user_id)
    if parse_event_type(kind) in _NOT_BY_HAND:
        raise MatrixError("M_BAD_JSON", f"{kind} cannot be set like this", status=405)
    write = PutAccountData(
        user_id=user_id,
        type=kind,
        content=content,
        room_id=room_id,
    )
    return Decision(writes=(write,), reply=Empty())


def needs_room(_caller: Caller, request: ops.SetRoomAccountData) -> Needs:
    return Needs(rooms=(request.room_id,))


async def get_account_data(reading: Any, request: ops.GetAccountData) -> JsonObject:
    require_self(reading.caller, request.user_id)
    return await _get(reading, request.type, None)


async def get_room_account_data(
    reading: Any,
    request: ops.GetRoomAccountData,
) -> JsonObject:
    require_self(reading.caller, request.user_id)
    return await _get(reading, request.type, request.room_id)


async def _get(reading: Any, kind: str, room_id: RoomId | None) -> JsonObject:
    if kind == PUSH_RULES and room_id is None:
        return content_of(await reading.engine.unread.rules(reading.caller.user))
    found: JsonObject | None = await reading.store.account_datum(
        reading.caller.user,
        room_id,
        kind,
    )
    if found is None:
        raise MatrixError("M_NOT_FOUND", f"no account data of the type {kind[:60]!r}")
    return found


async def get_tags(reading: Any, request: ops.GetTags) -> ops.Tags:
    require_self(reading.caller, request.user_id)
    content = await reading.store.account_datum(
        request.user_id,
        request.room_id,
        "m.tag",
    )
    return ops.Tags(tags=_tags_in(content))


def needs_tags(caller: Caller, request: ops.SetTag | ops.DeleteTag) -> Needs:
    where = {"user_id": caller.user, "room_id": request.room_id, "type": "m.tag"}
    rows = {"tags": Find(table="account_data", where=where)}
    return Needs(rooms=(request.room_id,), rows=rows)


def set_tag(view: View, request: ops.SetTag) -> Decision:
    tags = {**_tags(view), request.tag: request.content}
    return _set_tags(view, request.user_id, request.room_id, tags)


def delete_tag(view: View, request: ops.DeleteTag) -> Decision:
    tags = {name: tag for name, tag in _tags(view).items() if name != request.tag}
    return _set_tags(view, request.user_id, request.room_id, tags)


def _tags(view: View) -> JsonObject:
    row = view.row("tags")
    return _tags_in(row["content"] if row else None)


def _tags_in(content: JsonObject | None) -> JsonObject:
    """The tags in account data, which a client may have written as it likes."""
    tags = object_of(object_of(content).get("tags"))
    return {name: tag for name, tag in tags.items() if object_of(tag) is tag}


def _set_tags(
    view: View,
    user_id: UserId,
    room_id: RoomId,
    tags: JsonObject,
) -> Decision:
    require_self(view.caller, user_id)
    require_concerned(view, room_id)
    write = PutAccountData(
        user_id=user_id,
        type="m.tag",
        content={"tags": tags},
        room_id=room_id,
    )
    return Decision(writes=(write,), reply=Empty())


def needs_devices(_caller: Caller, request: ops.SendToDevice) -> Needs:
    users = request.messages
    if sum(len(devices) for devices in users.values()) > MAX_TARGETS:
        raise MatrixError("M_TOO_LARGE", f"more than {MAX_TARGETS} devices in one call")
    rows: dict[str, Find] = {
        user: Find(table="devices", where={"user_id": user}) for user in users
    }
    return Needs(rows=rows)


def send_to_device(view: View, request: ops.SendToDevice) -> Decision:
    """Queue for devices that exist; the others' messages are dropped, as Matrix does."""
    writes = []
    for user_id, messages in request.messages.items():
        known = [DeviceId(row["device_id"]) for row in view.rows[user_id]]
        for target, content in messages.items():
            for device_id in (
                known if target == "*" else [d for d in known if d == target]
            ):
                writes.append(
                    QueueToDevice(
                        user_id=user_id,
                        device_id=device_id,
                        sender=view.caller.user,
                        type=parse_event_type(request.event_type),
                        content=content,
                    ),
                )
    return Decision(writes=tuple(writes), reply=Empty())


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.SET_ACCOUNT_DATA, set_account_data),
    Reads(ops.GET_ACCOUNT_DATA, get_account_data),
    Decides(ops.SET_ROOM_ACCOUNT_DATA, set_room_account_data, needs_room),
    Reads(ops.GET_ROOM_ACCOUNT_DATA, get_room_account_data),
    Reads(ops.GET_TAGS, get_tags),
    Decides(ops.SET_TAG, set_tag, needs_tags),
    Decides(ops.DELETE_TAG, delete_tag, needs_tags),
    Decides(ops.SEND_TO_DEVICE, send_to_device, needs_devices),
)
