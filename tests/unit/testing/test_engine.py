from __future__ import annotations

import pytest
from chatproto_polls import MODULE

from chatproto.decisions import Caller
from chatproto.errors import MatrixError
from chatproto.operations.accounts import Login, WhoAmI
from chatproto.operations.rooms import CreateRoom
from chatproto.testing import FrozenClock, add_users, log_in, open_engine


async def test_users_log_in_at_no_cost():
    async with open_engine("anna") as engine:
        token = await log_in(engine, "anna")
        caller = await engine.authenticate(token)
        who = await engine.call(caller, WhoAmI())
    assert who.user_id == "@anna:example.org"


async def test_wrong_password_is_refused():
    async with open_engine("anna") as engine:
        with pytest.raises(MatrixError, match="M_FORBIDDEN"):
            await engine.call(Caller(), Login(user="anna", password="wrongpass"))


async def test_users_can_be_added_later():
    async with open_engine() as engine:
        await add_users(engine, ["boris"])
        assert await log_in(engine, "boris")


async def made_room(seed: int) -> str:
    async with open_engine("anna", seed=seed, clock=FrozenClock()) as engine:
        anna = Caller(user_id="@anna:example.org", device_id="D")
        return (await engine.call(anna, CreateRoom())).room_id


async def test_seed_decides_what_is_random():
    assert await made_room(1) == await made_room(1)
    assert await made_room(1) != await made_room(2)


async def test_modules_and_settings_are_taken_over():
    options = {"modules": (MODULE,), "server_name": "chat.test"}
    async with open_engine("anna", **options) as engine:
        assert "org.example.polls.start" in engine.operations.by_name
        assert engine.server == "chat.test"
