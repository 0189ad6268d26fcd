from __future__ import annotations

import pytest
import trio
import trio.lowlevel
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.storage.media import FileMediaStore
from reference_server import thumbnails
from reference_server.thumbnail_sizes import NoPicture, Wanted, nearest
from reference_server.thumbnails import Thumbnails
from tests.web import pictures
from tests.web.files import kept, open_site
from tests.web.pictures import HTML, SVG, jpeg, moving, opened, png

SMALL = Wanted(96, 96, "crop")


@pytest.fixture
async def site(tmp_path):
    async with open_site(tmp_path) as opened:
        yield opened


async def once(data):
    yield data


# over HTTP


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("width=96&height=96", (320, 160)),
        ("width=96&height=96&method=scale", (320, 160)),
        ("width=96&height=96&method=crop", (96, 96)),
        ("width=640&height=480", (400, 200)),
    ],
)
async def test_thumbnail_has_a_size_of_the_list(site, query, size):
    path = await site.upload(png(), "image/png")
    got = await site.thumbnail(path, query)
    assert (got.status, got.headers["content-type"]) == (200, "image/jpeg")
    assert opened(got.body).size == size
    assert got.headers["content-disposition"] == 'inline; filename="thumbnail.jpeg"'
    assert got.headers["content-length"] == str(len(got.body))


@pytest.mark.parametrize(
    ("animated", "kind"),
    [("true", "image/webp"), ("false", "image/jpeg"), (None, "image/jpeg")],
)
async def test_picture_moves_only_if_asked_to(site, animated, kind):
    path = await site.upload(moving("GIF"), "image/gif")
    query = "width=96&height=96" + (f"&animated={animated}" if animated else "")
    got = await site.thumbnail(path, query)
    assert got.headers["content-type"] == kind


@pytest.mark.parametrize(
    "query",
    [
        "",
        "width=96",
        "width=a&height=96",
        "width=0&height=96",
        "width=-5&height=96",
        "width=1.5&height=96",
        "width=96&height=96&method=turn",
        "width=96&height=96&animated=perhaps",
    ],
)
async def test_senseless_thumbnail_is_refused(site, query):
    path = await site.upload(png(), "image/png")
    got = await site.thumbnail(path, query)
    assert got.status == 400
    assert got.json["errcode"] in ("M_INVALID_PARAM", "M_MISSING_PARAM")


@pytest.mark.parametrize("data", [b"", b"text", HTML, SVG, png()[:200]])
async def test_file_without_a_picture_has_no_thumbnail(site, data):
    path = await site.upload(data, "image/png")
    for _ in range(2):
        assert (await site.thumbnail(path)).told == (400, "M_UNKNOWN")


async def test_type_is_seen_in_the_file_not_in_its_name(site):
    path = await site.upload(jpeg(), "text/plain", name="a.txt")
    assert (await site.thumbnail(path)).status == 200


async def test_too_many_pixels_are_told(site):
    path = await site.upload(pictures.png_of_size(9000, 9000), "image/png")
    assert (await site.thumbnail(path)).told == (413, "M_TOO_LARGE")


async def test_too_many_bytes_are_told(site, monkeypatch):
    monkeypatch.setattr(thumbnails, "MAX_BYTES", 100)
    path = await site.upload(png(), "image/png")
    assert (await site.thumbnail(path)).told == (413, "M_TOO_LARGE")


async def test_thumbnail_of_known_kind_is_not_sent_again(site):
    path = await site.upload(png(), "image/png")
    target = f"/_matrix/client/v1/media/thumbnail/{path}?width=90&height=9"
    tag = (await site.ask(target)).headers["etag"]
    assert (await site.ask(target, if_none_match=tag)).status == 304
    other = await site.ask(f"{target}&method=crop", if_none_match=tag)
    assert other.status == 200


# what is kept


@pytest.fixture
async def small(tmp_path):
    files = FileMediaStore(tmp_path / "media", spare_bytes=0)
    await files.put("picture", once(png()))
    await files.put("text", once(b"text"))
    return Thumbnails(files, FileMediaStore(tmp_path / "made", spare_bytes=0))


async def test_thumbnail_is_made_once(small, tmp_path, monkeypatch):
    made = []

    def make(data, wanted):
        made.append(wanted)
        return b"small"

    monkeypatch.setattr(thumbnails, "make_thumbnail", make)

    async def get():
        assert await small.get("picture", SMALL) == b"small"

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(get)
    await get()
    assert made == [SMALL]
    assert len(kept(tmp_path / "made")) == 1


async def test_failure_is_kept_too(small, tmp_path, monkeypatch):
    for _ in range(2):
        with pytest.raises(NoPicture):
            await small.get("text", SMALL)
        monkeypatch.delattr(thumbnails, "make_thumbnail", raising=False)
    assert len(kept(tmp_path / "made")) == 1


@settings(max_examples=30, deadline=None)
@given(
    asked=st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 3000)), max_size=8)
)
def test_any_sizes_make_few_files(asked):
    names = set()
    for width, height in asked:
        for method in ("scale", "crop"):
            for animated in (False, True):
                wanted = nearest(width, height, method, animated=animated)
                names.add(wanted.name)
    assert len(names) <= 2 * (4 + 9)


# the event loop


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (png(7000, 5000), SMALL),
        (moving("GIF", (320, 240), 100), Wanted(320, 240, "scale", animated=True)),
    ],
    ids=["large", "moving"],
)
async def test_event_loop_goes_on_meanwhile(tmp_path, data, wanted):
    files = FileMediaStore(tmp_path / "media", spare_bytes=0)
    names = [f"file{n}" for n in range(2)]
    for name in names:
        await files.put(name, once(data))
    small = Thumbnails(files, FileMediaStore(tmp_path / "made", spare_bytes=0))
    turns, longest = 0, 0.0

    async def go_on():
        nonlocal turns, longest
        while True:
            began = trio.current_time()
            await trio.lowlevel.checkpoint()
            turns, longest = turns + 1, max(longest, trio.current_time() - began)

    began = trio.current_time()
    async with trio.open_nursery() as loop:
        loop.start_soon(go_on)
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(small.get, name, wanted)
        loop.cancel_scope.cancel()
    took = trio.current_time() - began
    assert len(kept(tmp_path / "made")) == len(names)
    assert turns > 50
    # A loop that waited for the pictures would have stood still for half of the time.
    assert longest < max(0.1, took / 3)


async def test_only_two_pictures_are_open_at_once(small, monkeypatch):
    now, most = 0, 0
    turn = trio.lowlevel.current_trio_token()

    def make(data, wanted):
        trio.from_thread.run_sync(count, 1, trio_token=turn)
        trio.from_thread.run(trio.lowlevel.checkpoint, trio_token=turn)
        trio.from_thread.run_sync(count, -1, trio_token=turn)
        return b"small"

    def count(more):
        nonlocal now, most
        now, most = now + more, max(most, now + more)

    monkeypatch.setattr(thumbnails, "make_thumbnail", make)
    async with trio.open_nursery() as nursery:
        for side in range(1, 20):
            nursery.start_soon(small.get, "picture", Wanted(side, side))
    assert 1 <= most <= 2
