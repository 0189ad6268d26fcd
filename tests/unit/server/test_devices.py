from __future__ import annotations

import pytest

from chatproto.operations.account_data import SendToDevice
from chatproto.operations.accounts import (
    DeleteDevice,
    DeleteDevices,
    GetDevice,
    ListDevices,
    RenameDevice,
)
from tests.unit.server.harness import ANYBODY, refused

PROOF = {"type": "m.login.password", "password": "annpass"}


@pytest.fixture
async def phone(chat):
    return await chat.person("ann", "PHONE", initial_device_display_name="My phone")


@pytest.fixture
async def laptop(chat, phone):
    return await chat.person("ann", "LAPTOP")


async def names(person):
    devices = (await person.call(ListDevices())).devices
    return {device.device_id: device.display_name for device in devices}


async def test_devices_are_ones_own(phone, laptop, bob):
    assert await names(phone) == {"PHONE": "My phone", "LAPTOP": "LAPTOP"}
    assert len(await names(bob)) == 1


async def test_device_tells_when_and_where_it_was_seen(chat, phone):
    found = await phone.call(GetDevice(device_id="PHONE"))
    assert found.last_seen_ip == ANYBODY.address
    assert found.last_seen_ts == chat.clock.ms


async def test_device_is_renamed(phone, laptop):
    await phone.call(RenameDevice(device_id="LAPTOP", display_name="Old laptop"))
    assert (await names(phone))["LAPTOP"] == "Old laptop"
    await phone.call(RenameDevice(device_id="LAPTOP"))
    assert (await names(phone))["LAPTOP"] == "Old laptop"


@pytest.mark.parametrize("make", [GetDevice, RenameDevice])
async def test_unknown_device_is_not_found(phone, make):
    with refused("M_NOT_FOUND", status=404):
        await phone.call(make(device_id="TABLET"))


@pytest.mark.parametrize(
    "request_",
    [
        DeleteDevice(device_id="LAPTOP", auth=PROOF),
        DeleteDevices(devices=("LAPTOP", "TABLET"), auth=PROOF),
    ],
    ids=["one", "many"],
)
async def test_deleted_device_is_logged_out(chat, phone, laptop, request_):
    messages = {phone.id: {"LAPTOP": {}}}
    await phone.call(SendToDevice(event_type="x", txn_id="t", messages=messages))
    await phone.call(request_)
    with refused("M_UNKNOWN_TOKEN"):
        await chat.engine.authenticate(laptop.token)
    assert await names(phone) == {"PHONE": "My phone"}
    assert not await chat.rows("to_device")
    await chat.engine.authenticate(phone.token)


@pytest.mark.parametrize(
    ("auth", "errcode"),
    [
        (None, "M_UNAUTHORIZED"),
        ({"type": "m.login.password", "password": "wrong"}, "M_FORBIDDEN"),
    ],
    ids=["none", "wrong"],
)
async def test_deleting_needs_a_proof(phone, laptop, auth, errcode):
    with refused(errcode, status=401) as caught:
        await phone.call(DeleteDevice(device_id="LAPTOP", auth=auth))
    assert caught.value.extra["flows"] == [{"stages": ["m.login.password"]}]
    assert "LAPTOP" in await names(phone)


async def test_nobody_deletes_devices_of_others(chat, phone):
    bob = await chat.person("bob", "PHONE")
    await phone.call(DeleteDevice(device_id="PHONE", auth=PROOF))
    await chat.engine.authenticate(bob.token)
    assert len(await names(bob)) == 1
