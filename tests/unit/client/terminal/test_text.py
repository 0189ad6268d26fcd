from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.client.terminal.text import (
    clean,
    clean_lines,
    cut,
    padded,
    width,
    wrapped,
)

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x07\x9b\x9d\u202e\u2066\r\n\t\x00\x7f\u200b\u2028"),
    )
)


@given(NASTY)
def test_clean_text_steers_nothing(text):
    shown = clean(text)
    assert all(
        c == "\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        for c in shown
    )
    assert clean(shown) == shown
    shown.encode()  # can be written


@given(NASTY)
def test_lines_are_clean(text):
    for line in clean_lines(text):
        assert clean(line) == line


@given(NASTY, st.integers(0, 30))
def test_cut_text_fits(text, cells):
    shown = clean(text)
    assert width(cut(shown, cells)) <= cells
    assert width(padded(shown, cells)) == cells


@given(NASTY, st.integers(2, 30))
def test_wrapped_text_fits_and_loses_only_spaces(text, cells):
    shown = clean(text)
    lines = wrapped(shown, cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "cells", "lines"),
    [
        ("one two three", 8, ["one two", "three"]),
        ("one two", 7, ["one two"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("日本語", 4, ["日本", "語"]),
        ("", 5, [""]),
    ],
    ids=["words", "just fits", "a long word", "wide", "nothing"],
)
def test_text_is_wrapped_between_words(text, cells, lines):
    assert wrapped(text, cells) == lines
