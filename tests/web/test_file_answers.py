from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.web.file_answers import chosen_range, disposition, safe_name


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 6)),
        ("bytes=5-", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-50", (0, 10)),
        ("bytes=8-100", (8, 10)),
        ("", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("bytes=a-b", None),
        ("lines=0-1", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_range_is_read(header, expected):
    assert chosen_range(header, 10) == expected


@pytest.mark.parametrize(
    "header", ["bytes=10-", "bytes=10-12", "bytes=99999-", "bytes=-0"]
)
def test_range_beyond_the_end_is_refused(header):
    with pytest.raises(ValueError, match="ends before"):
        chosen_range(header, 10)


@given(first=st.integers(0, 30), last=st.integers(0, 30), size=st.integers(1, 20))
def test_any_range_is_what_python_slices(first, last, size):
    data = bytes(range(size))
    if first < size and first <= last:
        start, end = chosen_range(f"bytes={first}-{last}", size)
        assert data[start:end] == data[first : last + 1]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\a.exe", "a.exe"),
        ('a"b\r\nSet-Cookie: x', "a_b__Set-Cookie: x"),
        ("photo\u202egnp.exe", "photo_gnp.exe"),
        (" .hidden. ", "hidden"),
        ("", "file"),
        ("///", "file"),
        ("я" * 300, "я" * 200),
    ],
)
def test_name_is_made_safe(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    ("name", "inline", "header"),
    [
        (None, True, "inline"),
        (None, False, "attachment"),
        ("a b.png", True, 'inline; filename="a b.png"'),
        ("é.png", False, "attachment; filename*=UTF-8''%C3%A9.png"),
        ("50%.txt", True, "inline; filename*=UTF-8''50%25.txt"),
    ],
)
def test_name_is_told_to_the_browser(name, inline, header):
    assert disposition(name, inline=inline) == header


@given(name=st.text())
def test_any_name_is_one_header(name):
    header = disposition(name, inline=False)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') in (0, 2)
