from __future__ import annotations

import pytest

from chatproto.client.files import CHUNK_BYTES
from chatproto.client.media import download, upload
from chatproto.client.tokens import Tokens
from chatproto.client.transport import Disconnected
from chatproto.errors import MatrixError
from chatproto.ids import MxcUri
from chatproto.testing import FrozenClock, open_engine
from tests.unit.client.harness import Net

NOWHERE = MxcUri("mxc://example.org/nothing")


@pytest.fixture
async def slow_net():
    """Here the clock is trio's own, for files are read and written in threads."""
    clock = FrozenClock()
    async with open_engine("anna", "boris", clock=clock) as engine:
        yield Net(engine, clock)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(bytes(range(256)) * 1000)
    return path


async def test_file_comes_back_as_it_was(slow_net, picture, tmp_path):
    copy = tmp_path / "copy.png"
    async with slow_net.connect("anna") as anna, slow_net.connect("boris") as boris:
        uri = await upload(anna, picture, content_type="image/png")
        await download(boris, uri, copy)
        assert copy.read_bytes() == picture.read_bytes()
        async with boris.download(uri) as file:
            assert (file.size, file.content_type) == (256_000, "image/png")
            assert await file.read() == picture.read_bytes()


async def test_file_is_read_in_pieces(slow_net, picture):
    async with slow_net.connect("anna") as anna:
        async with anna.download(await anna.upload(picture)) as file:
            sizes = [len(chunk) async for chunk in file]
        assert sum(sizes) == 256_000
        assert max(sizes) < 10_000


async def test_progress_is_told(slow_net, picture, tmp_path):
    up, down = [], []
    async with slow_net.connect("anna") as anna:
        uri = await anna.upload(picture, progress=lambda *told: up.append(told))
        async with anna.download(uri) as file:
            await file.save(tmp_path / "copy", progress=lambda *told: down.append(told))
    assert up[0] == (CHUNK_BYTES, 256_000)
    for told in (up, down):
        assert told == sorted(told)
        assert told[-1] == (256_000, 256_000)
    assert len(down) == 250


async def test_empty_file_is_a_file(slow_net, tmp_path):
    empty, copy = tmp_path / "empty", tmp_path / "copy"
    empty.touch()
    async with slow_net.connect("anna") as anna:
        await download(anna, await upload(anna, empty), copy)
    assert copy.read_bytes() == b""


async def test_unknown_file_is_refused(slow_net, tmp_path):
    async with slow_net.connect("anna") as anna:
        with pytest.raises(MatrixError, match="M_NOT_FOUND"):
            await download(anna, NOWHERE, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


async def test_broken_download_leaves_what_was_there(slow_net, picture, tmp_path):
    copy = tmp_path / "copy"
    copy.write_text("the old one")
    way = slow_net.transport()
    async with slow_net.connect("anna", way) as anna:
        uri = await anna.upload(picture)

        def break_off(done, total):
            way.is_up = done < total / 2

        with pytest.raises(Disconnected):
            await download(anna, uri, copy, progress=break_off)
        way.is_up = True
    assert copy.read_text() == "the old one"
    assert sorted(tmp_path.iterdir()) == [copy, picture]


class Store:
    tokens = None

    def load(self):
        return self.tokens

    def save(self, tokens):
        self.tokens = tokens


async def test_files_travel_with_new_token_when_the_old_has_run_out(
    slow_net, picture, tmp_path
):
    store, copy = Store(), tmp_path / "copy"
    async with slow_net.connect("anna", tokens=store):
        pass
    store.tokens = Tokens(access=store.tokens.access, refresh=store.tokens.refresh)
    async with slow_net.connect(None, tokens=store) as anna:
        slow_net.clock.advance_ms(4_000_000)
        first = store.tokens
        uri = await anna.upload(picture)
        assert store.tokens != first
        await download(anna, uri, copy)
    assert copy.read_bytes() == picture.read_bytes()


async def test_thumbnail_is_asked_for(slow_net, picture):
    async with slow_net.connect("anna") as anna:
        uri = await anna.upload(picture, content_type="image/png")
        async with anna.thumbnail(uri, width=96, height=96, method="crop") as small:
            assert small.content_type == "image/png"
            assert await small.read() == picture.read_bytes()
        with pytest.raises(MatrixError, match="M_NOT_FOUND"):
            async with anna.thumbnail(NOWHERE, width=96, height=96):
                pass
