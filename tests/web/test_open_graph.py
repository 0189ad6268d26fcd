from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.open_graph import MAX_PAGE_BYTES, MAX_VALUE, read_page

HERE = "https://example.org/a/b"


def read(html, content_type="text/html"):
    data = html if isinstance(html, bytes) else html.encode()
    return read_page(data, content_type, HERE)


def meta(**values):
    return "".join(
        f'<meta property="og:{name}" content="{value}">'
        for name, value in values.items()
    )


def test_words_of_a_page_are_read():
    page = read(f"<head>{meta(title='A', description='B', site_name='C', type='D')}")
    assert page.words == {
        "og:title": "A",
        "og:description": "B",
        "og:site_name": "C",
        "og:type": "D",
    }
    assert page.image is None


def test_plain_page_has_its_title():
    page = read("<title>\n A &amp; B\n</title><meta name=Description content=C>")
    assert page.words == {"og:title": "A & B", "og:description": "C"}


def test_own_words_are_better_than_others():
    html = "<title>A</title><meta name='twitter:title' content=B>" + meta(title="C")
    assert read(html).words == {"og:title": "C"}


def test_first_word_counts():
    assert read(meta(title="A") + meta(title="B")).words == {"og:title": "A"}


def test_only_known_words_are_passed_on():
    html = meta(video="http://x/", audio="http://x/", title="A") + "<meta name=x>"
    assert read(html).words == {"og:title": "A"}


@pytest.mark.parametrize(
    ("image", "where"),
    [
        ("/c.png", "https://example.org/c.png"),
        ("c.png", "https://example.org/a/c.png"),
        ("//other.org/c.png", "https://other.org/c.png"),
        ("https://other.org/c.png", "https://other.org/c.png"),
        ("", None),
        ("  ", None),
        ("http://[", None),
    ],
)
def test_place_of_the_picture_is_found(image, where):
    assert read(meta(image=image)).image == where


def test_values_are_one_line_of_bounded_length():
    page = read(meta(title="a\u202eb\x01\r\n c", description="x" * 5000))
    assert page.words["og:title"] == "a b c"
    assert len(page.words["og:description"]) == MAX_VALUE


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ("<title>Привет</title>".encode(), "text/html"),
        ("<title>Привет</title>".encode("cp1251"), "text/html; charset=Windows-1251"),
        ('<meta charset="koi8-r"><title>Привет</title>'.encode("koi8-r"), "text/html"),
        (
            "<meta http-equiv=x content='text/html; charset=cp1251'>"
            "<title>Привет</title>".encode("cp1251"),
            "text/html",
        ),
    ],
)
def test_letters_are_read_in_their_charset(data, content_type):
    assert read(data, content_type).words == {"og:title": "Привет"}


@pytest.mark.parametrize(
    "charset", ["none-such", "rot13", "hex", "zip", "idna", "utf-16", "punycode"]
)
def test_charset_that_is_none_does_no_harm(charset):
    page = read(b"<title>A</title>", f"text/html; charset={charset}")
    assert "og:title" not in page.words or page.words["og:title"] == "A"


def test_far_end_of_a_page_is_not_read():
    assert read(b" " * MAX_PAGE_BYTES + b"<title>A</title>").words == {}


@pytest.mark.parametrize(
    "part",
    [
        "<",
        "<!--",
        "<!",
        "<![",
        "<?",
        "<a ",
        "<a b='",
        "</",
        "&",
        "&#",
        "&#x41",
        "<title>",
        "<script>",
        "<meta property=og:title content=",
        "<a b=c ",
        "<!--x--",
        "<a/",
        '<a "',
    ],
)
def test_hostile_page_is_read_soon(part):
    began = time.process_time()
    read(part * (MAX_PAGE_BYTES // len(part)))
    assert time.process_time() - began < 3


@given(st.text(alphabet="<>!-?/[]='\"& ametliocng:propy", max_size=300))
def test_any_text_is_a_page(text):
    words = read(text).words
    assert all(value and value.isprintable() for value in words.values())


@given(st.binary(max_size=200), st.text(max_size=30))
def test_any_bytes_are_a_page(data, content_type):
    read(data, content_type)
