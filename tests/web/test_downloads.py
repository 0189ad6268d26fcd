from __future__ import annotations

import pytest

from chatproto.operations.declare import Rate
from chatproto.server.rates import DEFAULT_RATES, Bucket
from tests.web.files import V1, V3, open_site
from tests.web.pictures import HTML, png

DIGITS = b"0123456789"


@pytest.fixture
async def site(tmp_path):
    async with open_site(tmp_path) as opened:
        yield opened


async def test_file_comes_back_as_it_was(site):
    data = png()
    path = await site.upload([data[:100], b"", data[100:]], "image/png", name="a.png")
    got = await site.download(path)
    assert (got.status, got.body) == (200, data)
    assert got.headers["content-type"] == "image/png"
    assert got.headers["content-length"] == str(len(data))
    assert got.headers["content-disposition"] == 'inline; filename="a.png"'
    assert "immutable" in got.headers["cache-control"]


async def test_nothing_is_run_by_a_browser(site):
    path = await site.upload(HTML, "image/png", name="a.png")
    got = await site.download(path)
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["content-security-policy"].startswith("sandbox; default-src")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["cross-origin-resource-policy"] == "cross-origin"


async def test_name_may_be_asked_for(site):
    path = await site.upload(DIGITS, name="a.txt")
    got = await site.ask(f"{V1}/download/{path}/%D0%B0%2F..%2F%22b.txt")
    assert got.headers["content-disposition"] == 'attachment; filename="_b.txt"'


async def test_part_of_a_file_is_given(site):
    path = await site.upload(DIGITS)
    got = await site.download(path, range="bytes=2-4")
    assert (got.status, got.body) == (206, b"234")
    assert got.headers["content-range"] == "bytes 2-4/10"
    assert got.headers["content-length"] == "3"
    assert (await site.download(path)).headers["accept-ranges"] == "bytes"


async def test_part_over_several_pieces_is_given(site):
    data = bytes(range(256)) * 1000
    path = await site.upload(data)
    got = await site.download(path, range="bytes=65530-131080")
    assert got.body == data[65530:131081]


async def test_part_that_is_not_there_is_refused(site):
    path = await site.upload(DIGITS)
    got = await site.download(path, range="bytes=10-")
    assert got.status == 416
    assert got.headers["content-range"] == "bytes */10"


async def test_empty_file_has_no_parts(site):
    path = await site.upload(b"")
    assert (await site.download(path)).body == b""
    assert (await site.download(path, range="bytes=0-")).status == 416


async def test_file_that_is_known_is_not_sent_again(site):
    path = await site.upload(DIGITS)
    tag = (await site.download(path)).headers["etag"]
    for told in (tag, f'"other", W/{tag}', "*"):
        again = await site.download(path, if_none_match=told)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == tag
    assert (await site.download(path, if_none_match='"other"')).status == 200


async def test_part_of_another_file_is_not_given(site):
    path = await site.upload(DIGITS)
    tag = (await site.download(path)).headers["etag"]
    for told, status in ((tag, 206), ('"other"', 200)):
        got = await site.download(path, range="bytes=2-4", if_range=told)
        assert got.status == status


@pytest.mark.parametrize(
    "path", ["example.org/nothing", "elsewhere.org/nothing", "example.org/..%2F..%2Fx"]
)
@pytest.mark.parametrize("what", ["download", "thumbnail"])
async def test_unknown_file_is_not_found(site, path, what):
    got = await site.ask(f"{V1}/{what}/{path}?width=1&height=1")
    assert got.told == (404, "M_NOT_FOUND")


async def test_file_of_another_server_is_not_found(site):
    path = await site.upload(DIGITS)
    _, media_id = path.split("/")
    got = await site.download(f"elsewhere.org/{media_id}")
    assert got.told == (404, "M_NOT_FOUND")


@pytest.mark.parametrize("what", ["download", "thumbnail"])
async def test_file_needs_a_token(site, what):
    path = await site.upload(png(), "image/png")
    size = "?width=1&height=1"
    got = await site.ask(f"{V1}/{what}/{path}{size}", by=None)
    assert got.told == (401, "M_MISSING_TOKEN")
    frozen = await site.ask(f"{V3}/{what}/{path}{size}", by=None)
    assert frozen.told == (404, "M_NOT_FOUND")
    assert (await site.ask(f"{V3}/{what}/{path}{size}")).status == 200
    site.tokens["anna"] = "cpa_wrong"
    got = await site.ask(f"{V3}/{what}/{path}{size}")
    assert got.told == (401, "M_UNKNOWN_TOKEN")


async def test_old_paths_need_no_token_where_set(tmp_path):
    async with open_site(tmp_path, legacy_media=True) as site:
        path = await site.upload(png(), "image/png")
        for target in (f"download/{path}", f"thumbnail/{path}?width=1&height=1"):
            assert (await site.ask(f"{V3}/{target}", by=None)).status == 200
            got = await site.ask(f"{V1}/{target}", by=None)
            assert got.told == (401, "M_MISSING_TOKEN")
        got = await site.ask(f"{V3}/upload", verb="POST", by=None)
        assert got.told == (401, "M_MISSING_TOKEN")


async def test_every_user_may_read_files(site):
    path = await site.upload(DIGITS)
    got = await site.ask(f"{V1}/download/{path}", by="boris")
    assert got.body == DIGITS


@pytest.mark.parametrize("query", ["timeout_ms=soon", "timeout_ms=1.5"])
async def test_wrong_timeout_is_refused(site, query):
    path = await site.upload(DIGITS)
    got = await site.ask(f"{V1}/download/{path}?{query}")
    assert got.told == (400, "M_INVALID_PARAM")


async def test_downloads_are_rate_limited(tmp_path):
    rates = {**DEFAULT_RATES, Rate.DOWNLOAD: Bucket(1, 2)}
    async with open_site(tmp_path, rates=rates, legacy_media=True) as site:
        path = await site.upload(DIGITS)
        for by in ("anna", None):
            target = f"{V3}/download/{path}"
            told = [(await site.ask(target, by=by)).status for _ in range(3)]
            assert told == [200, 200, 429]
        assert (await site.ask(target, by="boris")).status == 200
