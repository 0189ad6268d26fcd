from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.file_types import (
    OCTETS,
    declared_type,
    picture_type,
    served_type,
)
from tests.web.pictures import HTML, SVG, encoded, halves, jpeg, moving, png

OF_EACH = {
    "image/png": png(),
    "image/apng": moving("PNG"),
    "image/jpeg": jpeg(),
    "image/gif": moving("GIF"),
    "image/webp": moving("WEBP"),
    "image/avif": encoded(halves(), "AVIF"),
    "video/mp4": b"\0\0\0\x20ftypisom\0\0\2\0",
    "video/webm": b"\x1a\x45\xdf\xa3\x01",
    "video/ogg": b"OggS\0",
    "video/quicktime": b"\0\0\0\x08wide",
    "audio/mp4": b"\0\0\0\x20ftypM4A \0\0\2\0",
    "audio/aac": b"\xff\xf1\x50",
    "audio/mpeg": b"\xff\xfb\x90",
    "audio/ogg": b"OggS\0",
    "audio/wav": b"RIFF\x24\0\0\0WAVEfmt ",
    "audio/flac": b"fLaC\0",
}
ACTIVE = (
    "text/html",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "application/xml",
    "application/rss+xml",
    "text/javascript",
    "application/javascript",
    "application/ecmascript",
    "application/x-shockwave-flash",
    "application/wasm",
    "application/java-archive",
    "multipart/x-mixed-replace",
    "message/rfc822",
    "text/x-component",
    "text/cache-manifest",
    "application/hta",
)


@pytest.mark.parametrize("kind", OF_EACH)
def test_real_file_is_shown_in_place(kind):
    assert served_type(kind, OF_EACH[kind][:64]) == (kind, True)


@pytest.mark.parametrize("kind", OF_EACH)
@pytest.mark.parametrize(
    "data", [HTML, SVG, b"", b"MZ\x90"], ids=["html", "svg", "", "exe"]
)
def test_file_in_disguise_is_bytes_to_be_saved(kind, data):
    assert served_type(kind, data) == (OCTETS, False)


@pytest.mark.parametrize("kind", ACTIVE)
def test_what_browsers_run_is_never_given_as_such(kind):
    for declared in (kind, f"{kind}; charset=utf-8"):
        assert served_type(declared, HTML) == (OCTETS, False)


@pytest.mark.parametrize(
    "kind", ["application/pdf", "application/zip", OCTETS, "model/gltf"]
)
def test_other_type_is_kept_but_saved(kind):
    assert served_type(kind, b"%PDF") == (kind, False)


@pytest.mark.parametrize(
    ("declared", "served"),
    [
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/plain; charset=koi8-r", "text/plain; charset=koi8-r"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/json", "application/json"),
    ],
)
def test_text_is_shown_with_its_charset(declared, served):
    assert served_type(declared, HTML) == (served, True)


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("image/PNG", "image/png"),
        (' text/plain ; charset="UTF-8"', "text/plain; charset=utf-8"),
        ("text/plain; format=flowed; charset=x", "text/plain"),
        ("", OCTETS),
        ("png", OCTETS),
        ("image/", OCTETS),
        ("text/html\r\nSet-Cookie: a=b", OCTETS),
        ("../../etc", OCTETS),
        ("é/é", OCTETS),
        ("a/" + "b" * 70, "a/" + "b" * 70),
    ],
)
def test_type_is_read_from_its_header(header, kind):
    assert declared_type(header) == kind


@given(header=st.text(), head=st.binary(max_size=64))
def test_any_header_gives_a_type_that_can_be_sent(header, head):
    kind, _ = served_type(declared_type(header), head)
    assert kind.isascii()
    assert kind.isprintable()


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/gif", "image/webp"])
def test_picture_is_known_by_its_beginning(kind):
    assert picture_type(OF_EACH[kind]) == kind


@pytest.mark.parametrize("data", [HTML, SVG, b"", OF_EACH["image/avif"]])
def test_other_file_is_no_picture(data):
    assert picture_type(data) is None
