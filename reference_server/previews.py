"""What a link leads to, found out by the server so that its readers need not."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator
from io import BytesIO
from typing import Any
from weakref import WeakValueDictionary

import httpx2
import trio
from attrs import define, field, frozen
from PIL import Image

from chatproto.canonical import JsonObject
from chatproto.decisions import Caller
from chatproto.errors import MatrixError
from chatproto.server.outbound import guarded_client
from chatproto.server.reach import Reach
from reference_server.file_types import picture_type
from reference_server.open_graph import Page, read_page
from reference_server.thumbnail import make_thumbnail
from reference_server.thumbnail_sizes import Wanted
from reference_server.uploads import Incoming, Uploads

MAX_BYTES = 8 * 1024 * 1024
MAX_URL = 2_048
MAX_REDIRECTS = 5
AT_ONCE = 4
MAX_SECONDS = 10
FRESH_MS = 3_600_000
FAILED_MS = 300_000
MAX_KEPT = 1_000
SHOWN_AS = Wanted(800, 600)
_PAGES = ("text/html", "application/xhtml+xml")
_MOVED = (301, 302, 303, 307, 308)


@frozen
class _Kept:
    preview: JsonObject | None
    until_ms: int


@define(eq=False)
class Previews:
    """Previews of pages, each kept for an hour."""

    uploads: Uploads
    reach: Reach
    _kept: OrderedDict[str, _Kept] = field(factory=OrderedDict)
    _turns: WeakValueDictionary[str, trio.Lock] = field(factory=WeakValueDictionary)
    _workers: trio.CapacityLimiter = field(
        factory=lambda: trio.CapacityLimiter(AT_ONCE)
    )
    _ssl_context: Any = None

    async def get(self, caller: Caller, url: str) -> JsonObject:
        """What a page is, in OpenGraph's words. Raises MatrixError."""
        asked = str(_web_url(url).copy_with(fragment=None))
        turn = self._turns.setdefault(asked, trio.Lock())
        async with turn:
            kept = self._kept.get(asked)
            now_ms = self.uploads.engine.clock.now_ms()
            if kept is None or kept.until_ms <= now_ms:
                preview = await self._make(caller, asked)
                lasts_ms = FAILED_MS if preview is None else FRESH_MS
                kept = _Kept(preview, now_ms + lasts_ms)
                self._keep(asked, kept)
        if kept.preview is None:
            # Refused and unreachable look the same: nobody scans networks with us.
            raise MatrixError("M_NOT_FOUND", "there is no preview of this page")
        return kept.preview

    def _keep(self, url: str, kept: _Kept) -> None:
        self._kept[url] = kept
        self._kept.move_to_end(url)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    async def _make(self, caller: Caller, url: str) -> JsonObject | None:
        async with self._workers:
            with trio.move_on_after(MAX_SECONDS):
                try:
                    return await self._preview(caller, url)
                except (httpx2.HTTPError, httpx2.InvalidURL, _Unfit):
                    return None
        return None

    async def _preview(self, caller: Caller, url: str) -> JsonObject:
        if self._ssl_context is None:
            self._ssl_context = await trio.to_thread.run_sync(httpx2.create_ssl_context)
        async with guarded_client(
            self.reach,
            max_bytes=MAX_BYTES,
            user_agent="chatproto-preview",
            ssl_context=self._ssl_context,
        ) as client:
            answer = await _fetch(client, url)
            kind = answer.headers.get("content-type", "").partition(";")[0].lower()
            if kind.strip() in _PAGES:
                return await self._of_page(caller, client, answer)
            if picture_type(answer.content) is not None:
                return await self._of_picture(caller, answer.content)
        return {}

    async def _of_page(
        self, caller: Caller, client: httpx2.AsyncClient, answer: httpx2.Response
    ) -> JsonObject:
        page: Page = await trio.to_thread.run_sync(
            read_page,
            answer.content,
            answer.headers.get("content-type", ""),
            str(answer.url),
        )
        preview: JsonObject = dict(page.words)
        if page.image is not None:
            try:
                picture = await _fetch(client, page.image)
                preview |= await self._of_picture(caller, picture.content)
            except (httpx2.HTTPError, httpx2.InvalidURL, _Unfit):
                pass  # a page without its picture is a page
        return preview

    async def _of_picture(self, caller: Caller, data: bytes) -> JsonObject:
        """Store what has been made of a picture, never the stranger's own bytes."""
        try:
            small = await trio.to_thread.run_sync(make_thumbnail, data, SHOWN_AS)
            kind = picture_type(small) or ""
            media_id = f"preview{hashlib.sha256(small).hexdigest()[:40]}"
            file = Incoming(
                content_type=kind, name=None, length=len(small), body=_once(small)
            )
            uri = await self.uploads.keep(caller, media_id, file)
        except MatrixError as error:
            raise _Unfit from error
        with Image.open(BytesIO(small)) as image:
            width, height = image.size
        return {
            "og:image": uri,
            "og:image:type": kind,
            "og:image:width": width,
            "og:image:height": height,
            "matrix:image:size": len(small),
        }


class _Unfit(Exception):  # noqa: N818  # it is no mistake of ours
    """What was fetched is nothing to be shown."""


def _web_url(url: str) -> httpx2.URL:
    """Raises MatrixError M_INVALID_PARAM."""
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        parsed = httpx2.URL("")
    if len(url) > MAX_URL or parsed.scheme not in ("http", "https") or not parsed.host:
        raise MatrixError("M_INVALID_PARAM", "url is the address of a web page")
    if parsed.userinfo:
        raise MatrixError("M_INVALID_PARAM", "url holds a name or password")
    return parsed


async def _fetch(client: httpx2.AsyncClient, url: str) -> httpx2.Response:
    """Raises httpx2.HTTPError, httpx2.InvalidURL, _Unfit."""
    for _ in range(MAX_REDIRECTS + 1):
        try:
            answer = await client.get(_web_url(url))
        except MatrixError as error:
            raise _Unfit from error
        if answer.status_code not in _MOVED or "location" not in answer.headers:
            if answer.status_code != 200:
                raise _Unfit
            return answer
        url = str(answer.url.join(answer.headers["location"]))
    raise _Unfit


async def _once(data: bytes) -> AsyncGenerator[bytes]:
    yield data
