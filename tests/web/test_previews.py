from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import quote

import pytest
import trio
from attrs import define, field

from chatproto.server.reach import Reach, parse_networks
from reference_server import previews
from tests.web.files import V1, V3, kept, open_site
from tests.web.pictures import SVG, jpeg, opened, png

ONLY_HERE = Reach(networks=parse_networks(["127.0.0.1"]))
HOUR_MS = 3_600_000


@define(eq=False)
class Web:
    """A few pages, and which of them were asked for."""

    pages: dict = field(factory=dict)
    asked: list = field(factory=list)
    heads: list = field(factory=list)
    port: int = 0

    def put(self, path, body, kind="text/html", *, status=200, **headers):
        lines = [f"HTTP/1.1 {status} Told", f"Content-Type: {kind}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
        body = body.encode() if isinstance(body, str) else body
        self.pages[path] = "\r\n".join(lines).encode() + body
        return self.url(path)

    def move(self, path, to, status=302):
        return self.put(path, "", status=status, Location=to)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, stream):
        async with stream:
            head = (await stream.receive_some(10_000)).decode()
            path = head.split(" ")[1]
            self.asked.append(path)
            self.heads.append(head)
            answer = self.pages.get(path, b"HTTP/1.1 404 None\r\n\r\n")
            if callable(answer):
                await answer(stream)
            else:
                await stream.send_all(answer)


@pytest.fixture
async def web(nursery):
    pages = Web()
    serve = partial(trio.serve_tcp, pages.serve, 0, host="127.0.0.1")
    listeners = await nursery.start(serve)
    pages.port = listeners[0].socket.getsockname()[1]
    return pages


@asynccontextmanager
async def previewing(folder, **settings):
    known = {"url_previews": True, "reach": ONLY_HERE, **settings}
    async with open_site(folder, **known) as site:
        yield site


@pytest.fixture
async def site(tmp_path):
    async with previewing(tmp_path) as opened:
        yield opened


async def preview(site, url, by="anna"):
    return await site.ask(f"{V1}/preview_url?url={quote(url, safe='')}&ts=1", by=by)


PAGE = (
    "<meta property=og:title content='A page'><meta property=og:image content=/p.png>"
)


async def test_page_with_picture_is_shown(site, web):
    web.put("/p.png", png(1600, 400), "image/png")
    got = await preview(site, web.put("/", PAGE))
    assert got.status == 200
    answer = got.json
    path = answer.pop("og:image").removeprefix("mxc://")
    picture = await site.download(path)
    assert answer == {
        "og:title": "A page",
        "og:image:type": "image/jpeg",
        "og:image:width": 800,
        "og:image:height": 200,
        "matrix:image:size": len(picture.body),
    }
    assert opened(picture.body).size == (800, 200)
    assert picture.headers["content-type"] == "image/jpeg"


async def test_old_path_answers_too(site, web):
    url = web.put("/", PAGE)
    got = await site.ask(f"{V3}/preview_url?url={url}")
    assert got.json == {"og:title": "A page"}


async def test_page_is_asked_for_plainly(site, web):
    await preview(site, web.put("/", PAGE) + "#part")
    assert web.asked == ["/", "/p.png"]
    head = web.heads[0].lower()
    assert "accept-encoding: identity" in head
    assert "user-agent: chatproto-preview" in head
    assert "cookie" not in head
    assert "authorization" not in head


async def test_link_to_a_picture_is_the_picture(site, web):
    got = await preview(site, web.put("/p", jpeg(), "image/jpeg"))
    assert got.json["og:image:type"] == "image/jpeg"


@pytest.mark.parametrize("data", [SVG, b"no picture", png()[:99]])
async def test_page_is_shown_without_a_bad_picture(site, web, data):
    web.put("/p.png", data, "image/png")
    got = await preview(site, web.put("/", PAGE))
    assert got.json == {"og:title": "A page"}


async def test_other_file_has_nothing_to_show(site, web):
    got = await preview(site, web.put("/f", b"%PDF-1.7", "application/pdf"))
    assert got.json == {}


async def test_picture_is_stored_once(site, web, tmp_path):
    web.put("/p.png", png(), "image/png")
    first = await preview(site, web.put("/1", PAGE))
    second = await preview(site, web.put("/2", PAGE), by="boris")
    assert first.json["og:image"] == second.json["og:image"]
    assert len(kept(tmp_path)) == 1


async def test_picture_counts_for_who_asked(tmp_path, web):
    web.put("/p.png", png(), "image/png")
    async with previewing(tmp_path, media_bytes=100) as site:
        got = await preview(site, web.put("/", PAGE))
    assert got.json == {"og:title": "A page"}
    assert kept(tmp_path) == []


# the cache


async def test_preview_is_kept_for_an_hour(site, web):
    url = web.put("/", "<title>A</title>")
    for _ in range(3):
        assert (await preview(site, url, by="boris")).json == {"og:title": "A"}
    site.clock.advance_ms(HOUR_MS - 1)
    await preview(site, url)
    assert web.asked == ["/"]
    web.put("/", "<title>B</title>")
    site.clock.advance_ms(1)
    assert (await preview(site, url)).json == {"og:title": "B"}


async def test_failure_is_kept_for_a_while(site, web):
    url = web.url("/later")
    for _ in range(3):
        assert (await preview(site, url)).told == (404, "M_NOT_FOUND")
    assert web.asked == ["/later"]
    web.put("/later", "<title>A</title>")
    site.clock.advance_ms(HOUR_MS)
    assert (await preview(site, url)).status == 200


async def test_page_is_fetched_once_for_many(site, web):
    url = web.put("/", "<title>A</title>")
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(preview, site, url)
    assert web.asked == ["/"]


async def test_cache_is_bounded(site, web, monkeypatch):
    monkeypatch.setattr(previews, "MAX_KEPT", 2)
    for name in ("/1", "/2", "/3", "/1"):
        await preview(site, web.put(name, "<title>A</title>"))
    assert web.asked == ["/1", "/2", "/3", "/1"]


# where it goes


async def test_redirect_is_followed(site, web):
    web.put("/end/", "<title>A</title><meta property=og:image content=p.png>")
    web.put("/end/p.png", png(), "image/png")
    web.move("/2", "/end/", 308)
    got = await preview(site, web.move("/1", web.url("/2")))
    assert got.json["og:title"] == "A"
    assert web.asked == ["/1", "/2", "/end/", "/end/p.png"]


async def test_endless_redirects_are_left(site, web):
    got = await preview(site, web.move("/", "/"))
    assert got.told == (404, "M_NOT_FOUND")
    assert len(web.asked) == 6


INSIDE = (
    "http://127.0.0.3/",
    "http://localhost.localdomain.invalid/",
    "http://[::1]/",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0x7f.3/",
)


@pytest.mark.parametrize("url", INSIDE)
async def test_internal_address_is_refused(site, url):
    assert (await preview(site, url)).told == (404, "M_NOT_FOUND")


@pytest.mark.parametrize("to", [*INSIDE, "file:///etc/passwd", "ftp://127.0.0.1/"])
async def test_redirect_inside_is_refused(site, web, to):
    got = await preview(site, web.move("/", to))
    assert got.told == (404, "M_NOT_FOUND")
    assert web.asked == ["/"]


async def test_picture_inside_is_refused(site, web):
    page = "<title>A</title><meta property=og:image content='http://127.0.0.3/p.png'>"
    assert (await preview(site, web.put("/", page))).json == {"og:title": "A"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example",
        "file:///etc/passwd",
        "ftp://example.org/",
        "javascript:alert(1)",
        "http://",
        "http://user:pass@127.0.0.1/",
        "http://127.0.0.1/" + "a" * 2048,
        "http://exa mple/\r\n",
    ],
)
async def test_what_is_no_page_is_refused(site, url):
    assert (await preview(site, url)).told == (400, "M_INVALID_PARAM")


async def test_page_that_is_too_long_is_left(site, web, monkeypatch):
    monkeypatch.setattr(previews, "MAX_BYTES", 1000)
    got = await preview(site, web.put("/", "<title>A</title>" + " " * 1000))
    assert got.told == (404, "M_NOT_FOUND")


async def test_page_that_never_ends_is_left(site, web):
    async def endless(stream):
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        with pytest.raises(trio.BrokenResourceError):
            while True:
                await stream.send_all(b" " * 65536)

    web.pages["/"] = endless
    assert (await preview(site, web.url("/"))).told == (404, "M_NOT_FOUND")


async def test_page_that_says_nothing_is_left(site, web, monkeypatch):
    monkeypatch.setattr(previews, "MAX_SECONDS", 0.05)

    async def say_nothing(stream):
        await trio.sleep_forever()

    web.pages["/"] = say_nothing
    assert (await preview(site, web.url("/"))).told == (404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    "answer", [b"", b"x", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 999\r\n\r\n", b"\0" * 9999]
)
async def test_nonsense_is_left(site, web, answer):
    web.pages["/"] = answer
    assert (await preview(site, web.url("/"))).told == (404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://127.0.0.1:99999/", "http://["]
)
async def test_nobody_listens_looks_the_same(site, url):
    assert (await preview(site, url)).told == (404, "M_NOT_FOUND")


# who may


async def test_previews_are_off_unless_set(tmp_path, web):
    async with open_site(tmp_path) as site:
        got = await preview(site, web.put("/", PAGE))
    assert got.told == (404, "M_UNRECOGNIZED")
    assert web.asked == []


async def test_preview_needs_a_token(site, web):
    got = await preview(site, web.put("/", PAGE), by=None)
    assert got.told == (401, "M_MISSING_TOKEN")
    got = await site.ask(f"{V1}/preview_url")
    assert got.told == (400, "M_MISSING_PARAM")
    assert web.asked == []
