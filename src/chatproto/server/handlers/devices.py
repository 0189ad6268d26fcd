"""The devices of an account."""

from __future__ import annotations

from typing import Any

from chatproto.decisions import (
    Caller,
    ChangeDeviceList,
    Decides,
    Decision,
    EndSessions,
    Find,
    Handler,
    Needs,
    Reads,
    Row,
    Update,
    View,
)
from chatproto.errors import MatrixError
from chatproto.ids import DeviceId
from chatproto.operations import accounts as ops
from chatproto.operations.declare import Empty
from chatproto.server.handlers.credentials import require_password
from chatproto.server.handlers.sessions import end_devices, joined_rooms


def _device(row: Row) -> ops.Device:
    return ops.Device(
        device_id=row["device_id"],
        display_name=row["display_name"] or row["device_id"],  # some clients need one
        last_seen_ip=row["last_seen_ip"],
        last_seen_ts=row["last_seen_ts"],
    )


async def list_devices(reading: Any, _request: ops.ListDevices) -> ops.Devices:
    where = {"user_id": reading.caller.user}
    rows = await reading.find(Find(table="devices", where=where))
    return ops.Devices(devices=tuple(_device(row) for row in rows))


async def get_device(reading: Any, request: ops.GetDevice) -> ops.Device:
    where = {"user_id": reading.caller.user, "device_id": request.device_id}
    rows = await reading.find(Find(table="devices", where=where))
    if not rows:
        raise MatrixError("M_NOT_FOUND", "you have no such device")
    return _device(rows[0])


def needs_device(caller: Caller, request: ops.RenameDevice | ops.DeleteDevice) -> Needs:
    where = {"user_id": caller.user, "device_id": request.device_id}
    rows = {"device": Find(table="devices", where=where)}
    return Needs(rows=rows, joined=(caller.user,))


def rename_device(view: View, request: ops.RenameDevice) -> Decision:
    if view.row("device") is None:
        raise MatrixError("M_NOT_FOUND", "you have no such device")
    if request.display_name is None:
        return Decision(reply=Empty())
    where = {"user_id": view.caller.user, "device_id": request.device_id}
    name = {"display_name": request.display_name}
    user = view.caller.user
    update = Update(table="devices", where=where, set=name)
    # Others are told the name together with the device's keys.
    change = ChangeDeviceList(user_id=user, rooms=tuple(view.joined[user]))
    return Decision(writes=(update, change), reply=Empty())


async def prove(
    reading: Any,
    caller: Caller,
    request: ops.DeleteDevice | ops.DeleteDevices,
) -> None:
    await require_password(reading, caller, request.auth)


def delete_device(view: View, request: ops.DeleteDevice) -> Decision:
    return _delete(view, (request.device_id,))


def delete_devices(view: View, request: ops.DeleteDevices) -> Decision:
    return _delete(view, request.devices)


def _delete(view: View, devices: tuple[DeviceId, ...]) -> Decision:
    user = view.caller.user
    return Decision(
        writes=end_devices(view, user, devices),
        effects=(EndSessions(user_id=user, devices=devices),),
        reply=Empty(),
    )


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.LIST_DEVICES, list_devices),
    Reads(ops.GET_DEVICE, get_device),
    Decides(ops.RENAME_DEVICE, rename_device, needs_device),
    Decides(ops.DELETE_DEVICE, delete_device, joined_rooms, prove),
    Decides(ops.DELETE_DEVICES, delete_devices, joined_rooms, prove),
)
