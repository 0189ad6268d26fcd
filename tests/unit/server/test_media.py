from __future__ import annotations

import pytest

from chatproto.decisions import Caller, Find
from chatproto.errors import MatrixError
from chatproto.ids import media_id
from chatproto.operations.media import AnnounceUpload, GetMediaConfig
from chatproto.server.handlers.media import MAX_ANNOUNCED, UNUSED_MS
from chatproto.testing import FrozenClock, open_engine
from chatproto.testing.engine import log_in

PENDING = Find(table="media_pending", where={}, order=("media_id",))


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
async def engine(clock):
    async with open_engine("anna", "boris", clock=clock, upload_bytes=77) as engine:
        yield engine


async def caller(engine, name="anna"):
    return await engine.authenticate(await log_in(engine, name))


async def test_announced_file_has_name_and_time(engine, clock):
    anna = await caller(engine)
    made = await engine.call(anna, AnnounceUpload())
    server, name = media_id(made.content_uri)
    assert (server, made.unused_expires_at) == (
        engine.server,
        clock.now_ms() + UNUSED_MS,
    )
    (row,) = await engine.store.find(PENDING)
    assert row["media_id"] == name
    assert row["user_id"] == anna.user_id


async def test_names_are_long_and_never_twice(engine):
    anna = await caller(engine)
    made = {(await engine.call(anna, AnnounceUpload())).content_uri for _ in range(9)}
    assert len(made) == 9
    assert all(len(media_id(uri)[1]) >= 22 for uri in made)


async def test_too_many_announced_files_are_refused(engine, clock):
    anna, boris = await caller(engine), await caller(engine, "boris")
    for _ in range(MAX_ANNOUNCED):
        await engine.call(anna, AnnounceUpload())
    clock.advance_ms(1000)
    with pytest.raises(MatrixError, match="M_LIMIT_EXCEEDED") as caught:
        await engine.call(anna, AnnounceUpload())
    assert caught.value.retry_after_ms == UNUSED_MS - 1000
    await engine.call(boris, AnnounceUpload())


async def test_what_has_run_out_is_forgotten(engine, clock):
    anna = await caller(engine)
    for _ in range(MAX_ANNOUNCED):
        await engine.call(anna, AnnounceUpload())
    clock.advance_ms(UNUSED_MS)
    made = await engine.call(anna, AnnounceUpload())
    (row,) = await engine.store.find(PENDING)
    assert row["media_id"] == media_id(made.content_uri)[1]


async def test_stranger_announces_nothing(engine):
    with pytest.raises(MatrixError, match="M_MISSING_TOKEN"):
        await engine.call(Caller(), AnnounceUpload())


async def test_largest_file_is_told(engine):
    config = await engine.call(await caller(engine), GetMediaConfig())
    assert config.upload_size == 77
