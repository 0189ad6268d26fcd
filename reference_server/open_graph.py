"""What a page says of itself in its head."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

from attrs import field, frozen

MAX_PAGE_BYTES = 512 * 1024
MAX_VALUE = 1_000
# Of these; what names further files would have every reader's browser fetch them.
_SHOWN = ("title", "description", "site_name", "type", "url", "locale")
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset=[\"'\s]*([a-zA-Z0-9_:.-]{1,40})")
# Python knows many more, some of which inflate, or take for ever.
_KNOWN = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-ascii|latin-?1|iso-?8859-?\d{1,2}|koi8-[ru]"
    r"|(windows|cp)-?(125\d|874|866)|gb2312|gbk|gb18030|big5(-hkscs)?"
    r"|euc-(jp|kr)|shift[_-]?jis|iso-2022-jp",
    re.IGNORECASE,
)
_IN_HEADER = re.compile(r"charset=\"?([a-zA-Z0-9_:.-]{1,40})")


@frozen
class Page:
    """OpenGraph's words for a page, and where its picture is, if it has one."""

    words: dict[str, str] = field(factory=dict)
    image: str | None = None


def read_page(data: bytes, content_type: str, url: str) -> Page:
    """What the beginning of a page says; it blocks, so call it in a thread."""
    reader = _Reader()
    text = _decoded(data[:MAX_PAGE_BYTES], content_type)
    try:
        # Not closed: what is broken off at the end says nothing.
        reader.feed(text)
    except (_Enough, AssertionError):  # the parser asserts what pages need not keep to
        pass
    return reader.page(url)


class _Enough(Exception):  # noqa: N818  # no error
    pass


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._said: dict[str, str] = {}
        self._title: list[str] = []
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._in_title = not self._title
        elif tag == "meta":
            given = {name: value or "" for name, value in attrs}
            name = given.get("property") or given.get("name") or ""
            self._said.setdefault(name.lower()[:40], given.get("content", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag == "head" and "og:title" in self._said:
            raise _Enough

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)

    def page(self, url: str) -> Page:
        said = self._said
        words = {f"og:{name}": _line(said.get(f"og:{name}", "")) for name in _SHOWN}
        words["og:title"] = (
            words["og:title"]
            or _line(said.get("twitter:title", ""))
            or _line("".join(self._title))
        )
        words["og:description"] = (
            words["og:description"]
            or _line(said.get("twitter:description", ""))
            or _line(said.get("description", ""))
        )
        image = said.get("og:image") or said.get("twitter:image") or ""
        return Page(
            {name: value for name, value in words.items() if value},
            _joined(url, image),
        )


def _line(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * MAX_VALUE])
    return " ".join(printable.split())[:MAX_VALUE]


def _joined(url: str, image: str) -> str | None:
    if not image.strip():
        return None
    try:
        return urljoin(url, image.strip())
    except ValueError:
        return None


def _decoded(data: bytes, content_type: str) -> str:
    in_header = _IN_HEADER.search(content_type.lower())
    in_page = _CHARSET.search(data[:4096])
    name = "utf-8"
    if in_header is not None:
        name = in_header[1]
    elif in_page is not None:
        name = in_page[1].decode("ascii")
    try:
        return data.decode(name if _KNOWN.fullmatch(name) else "utf-8", "replace")
    except LookupError:
        return data.decode("utf-8", "replace")
