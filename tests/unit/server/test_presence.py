from __future__ import annotations

import trio

from chatproto.decisions import Caller
from chatproto.operations.profiles import GetPresence, SetPresence
from chatproto.server.engine import Engine
from chatproto.server.settings import Settings
from chatproto.storage.keys import FileKeyStore
from chatproto.storage.sqlite import SqliteStore
from chatproto.testing import FrozenClock, PlainHasher, SeededRandom, add_users

ANNA = Caller(user_id="@anna:x", device_id="D")


def opened(folder, clock):
    return Engine.open(
        Settings(server_name="x", rates=None),
        store=SqliteStore(folder / "chat.sqlite"),
        clock=clock,
        keys=FileKeyStore(folder),
        random=SeededRandom(0).bytes,
        passwords=PlainHasher(),
    )


async def shown(engine):
    return await engine.call(ANNA, GetPresence(user_id="@anna:x"))


async def test_status_text_outlives_the_server(tmp_path):
    clock = FrozenClock()
    async with opened(tmp_path, clock) as engine:
        await add_users(engine, ["anna"])
        request = SetPresence(
            user_id="@anna:x",
            presence="unavailable",
            status_msg="on vacation",
            expires_in_ms=60_000,
        )
        await engine.call(ANNA, request)
    clock.advance_ms(20_000)
    async with opened(tmp_path, clock) as engine:
        now = await shown(engine)
        assert (now.presence, now.status_msg) == ("offline", "on vacation")
        assert now.expires_in_ms == 40_000


async def test_status_text_ends_that_ran_out_meanwhile(tmp_path):
    clock = FrozenClock()
    async with opened(tmp_path, clock) as engine:
        await add_users(engine, ["anna"])
        request = SetPresence(
            user_id="@anna:x",
            presence="online",
            status_msg="at lunch",
            expires_in_ms=1_000,
        )
        await engine.call(ANNA, request)
    clock.advance_ms(2_000)
    async with opened(tmp_path, clock) as engine:
        await trio.testing.wait_all_tasks_blocked()
        assert (await shown(engine)).status_msg is None
