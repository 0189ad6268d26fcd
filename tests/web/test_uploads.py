from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatproto.decisions import Find
from chatproto.operations.declare import Rate
from chatproto.operations.media import AnnounceUpload
from chatproto.server.rates import DEFAULT_RATES, Bucket
from reference_server.web import media
from tests.web.files import HANG_UP, V1, V3, kept, open_site

HOUR_MS = 3_600_000


@pytest.fixture
async def site(tmp_path):
    async with open_site(tmp_path, upload_bytes=1000) as opened:
        yield opened


async def announce(site, by="anna"):
    caller = await site.engine.authenticate(site.tokens[by])
    made = await site.engine.call(caller, AnnounceUpload())
    return made.content_uri.removeprefix("mxc://")


async def put(site, path, data=b"data", by="anna", **headers):
    target = f"{V3}/upload/{path}?filename=a.txt"
    return await site.ask(target, verb="PUT", by=by, body=data, **headers)


async def post(site, data, **headers):
    return await site.ask(f"{V3}/upload", verb="POST", body=data, **headers)


# how much


async def test_largest_file_is_taken(site):
    await site.upload(b"x" * 1000)


@pytest.mark.parametrize("headers", [{}, {"content_length": "1001"}])
async def test_larger_file_is_refused_and_forgotten(site, tmp_path, headers):
    got = await post(site, [b"x" * 600, b"x" * 401], **headers)
    assert got.told == (413, "M_TOO_LARGE")
    assert kept(tmp_path) == []


async def test_upload_that_breaks_off_leaves_nothing(site, tmp_path):
    got = await post(site, [b"x", b"y", HANG_UP], content_length="900")
    assert got.told == (400, "M_UNKNOWN")
    assert kept(tmp_path) == []


@pytest.mark.parametrize("announced", [True, False])
async def test_day_is_bounded(tmp_path, announced):
    async with open_site(tmp_path, media_day_bytes=100) as site:
        await site.upload(b"x" * 60)
        headers = {"content_length": "41"} if announced else {}
        got = await post(site, b"x" * 41, **headers)
        assert got.told == (429, "M_LIMIT_EXCEEDED")
        assert got.headers["retry-after"] == "3600"
        await site.upload(b"x" * 40)
        await site.upload(b"x" * 100, by="boris")
        assert len(kept(tmp_path)) == 3
        site.clock.advance_ms(24 * HOUR_MS + 1)
        await site.upload(b"x" * 100)


async def test_all_files_of_a_user_are_bounded(tmp_path):
    async with open_site(tmp_path, media_bytes=100) as site:
        await site.upload(b"x" * 60)
        site.clock.advance_ms(48 * HOUR_MS)
        got = await post(site, b"x" * 41)
        assert got.told == (403, "M_FORBIDDEN")
        await site.upload(b"x" * 40)


async def test_uploads_at_once_are_counted_together(tmp_path):
    async with open_site(tmp_path, media_bytes=100) as site:
        told = []

        async def one():
            got = await post(site, b"x" * 40, content_length="40")
            told.append(got.status)

        async with trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(one)
        assert told.count(200) <= 2
        assert set(told) <= {200, 403}
        assert len(kept(tmp_path)) == told.count(200)


async def test_full_disk_refuses_files(tmp_path):
    async with open_site(tmp_path) as site:
        full = media.Uploads(
            site.engine, type(site.app._files)(tmp_path, spare_bytes=1 << 60)
        )
        site.app._uploads = full
        got = await post(site, b"x")
        assert got.told == (507, "M_UNAVAILABLE")


async def test_uploads_are_rate_limited(tmp_path):
    rates = {**DEFAULT_RATES, Rate.MEDIA: Bucket(1, 1)}
    async with open_site(tmp_path, rates=rates) as site:
        await site.upload(b"x")
        got = await post(site, b"x")
        assert got.told == (429, "M_LIMIT_EXCEEDED")


# announced


async def test_announced_file_is_there_when_it_has_come(site):
    path = await announce(site)
    empty = await site.ask(f"{V1}/download/{path}?timeout_ms=0")
    assert empty.told == (504, "M_NOT_YET_UPLOADED")
    assert (await put(site, path, content_type="text/plain")).json == {}
    got = await site.download(path)
    assert got.body == b"data"
    assert got.headers["content-disposition"] == 'inline; filename="a.txt"'
    assert await site.engine.store.find(Find(table="media_pending", where={})) == []


@pytest.mark.parametrize("what", ["download", "thumbnail"])
async def test_reader_waits_for_the_file(site, what):
    path, got = await announce(site), []

    async def read():
        target = f"{V1}/{what}/{path}?width=1&height=1&timeout_ms=50000"
        got.append(await site.ask(target, by="boris"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        assert got == []
        await put(site, path)
    assert {answer.status for answer in got} == {200 if what == "download" else 400}


async def test_file_is_never_overwritten(site):
    path = await announce(site)
    await put(site, path)
    assert (await put(site, path, b"new")).told == (409, "M_CANNOT_OVERWRITE_MEDIA")
    other = await site.upload(b"data")
    assert (await put(site, other)).told == (409, "M_CANNOT_OVERWRITE_MEDIA")
    assert (await site.download(path)).body == b"data"


async def test_second_sender_at_once_is_refused(site):
    path, told = await announce(site), []

    async def send(data):
        told.append((await put(site, path, [data, data])).status)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, b"1")
        nursery.start_soon(send, b"2")
    assert sorted(told) == [200, 409]


async def test_file_of_another_user_is_refused(site):
    path = await announce(site)
    assert (await put(site, path, by="boris")).told == (403, "M_FORBIDDEN")
    assert (await put(site, path)).status == 200


@pytest.mark.parametrize("path", ["example.org/nothing", "elsewhere.org/nothing"])
async def test_file_that_nobody_announced_is_not_found(site, path):
    assert (await put(site, path)).told == (404, "M_NOT_FOUND")


async def test_announcement_runs_out(site):
    path = await announce(site)
    site.clock.advance_ms(24 * HOUR_MS)
    assert (await put(site, path)).told == (404, "M_NOT_FOUND")


async def test_failed_upload_may_be_tried_again(site):
    path = await announce(site)
    assert (await put(site, path, b"x" * 1001)).told == (413, "M_TOO_LARGE")
    assert (await put(site, path)).status == 200


async def test_upload_that_cannot_be_stored_leaves_no_file(site, tmp_path):
    async def fail(caller, decision):
        raise RuntimeError("a mistake")

    site.engine.commit = fail
    got = await post(site, b"x")
    assert got.told == (500, "M_UNKNOWN")
    assert "mistake; it is logged" in got.json["error"]
    assert kept(tmp_path) == []
