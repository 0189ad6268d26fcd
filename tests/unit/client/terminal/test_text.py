from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.client.terminal.text import (
    beginning,
    clean,
    clean_json,
    clean_lines,
    cut,
    ending,
    padded,
    width,
    wrapped,
)

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "\x1b\x07\x9b\x9d\u202e\u2066\r\n\t\x00\x7f\u200b\u2028\u0301\u200d👩"
        ),
    )
)
STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")


def steers(char):
    return char != "\u200d" and unicodedata.category(char) in STEERING


@given(NASTY)
def test_clean_text_steers_nothing(text):
    shown = clean(text)
    assert not any(map(steers, shown))
    assert clean(shown) == shown
    shown.encode()  # can be written


@given(NASTY)
def test_lines_are_clean(text):
    for line in clean_lines(text):
        assert clean(line) == line


def test_marks_do_not_pile_up():
    assert clean("e" + "\u0301" * 500) == "e" + "\u0301" * 8


@given(st.dictionaries(NASTY, NASTY | st.lists(NASTY)), st.sampled_from([None, 2]))
def test_json_steers_nothing_and_means_the_same(value, indent):
    shown = clean_json(value, indent=indent)
    assert not any(
        char != "\n" and unicodedata.category(char) in STEERING for char in shown
    )
    assert json.loads(shown) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("привет 👋", '"привет 👋"'),
        ("\x9b2J", '"\\u009b2J"'),
        ("\U000e0041", '"\\udb40\\udc41"'),
    ],
    ids=["letters", "control", "beyond the first plane"],
)
def test_json_shows_letters_and_escapes_controls(value, shown):
    assert clean_json(value) == shown


@given(NASTY, st.integers(0, 30))
def test_cut_text_fits(text, cells):
    shown = clean(text)
    assert width(cut(shown, cells)) <= cells
    assert width(padded(shown, cells)) == cells


@given(NASTY, st.integers(0, 30))
def test_beginning_and_ending_fit(text, cells):
    shown = clean(text)
    assert shown.startswith(beginning(shown, cells))
    assert shown.endswith(ending(shown, cells))
    assert width(beginning(shown, cells)) <= cells
    assert width(ending(shown, cells)) <= cells


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
        ("one two", 3, ["one", "two"]),
        ("a one two", 4, ["a", "one", "two"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("日本語", 4, ["日本", "語"]),
        ("e\u0301" * 3, 2, ["e\u0301e\u0301", "e\u0301"]),
        ("", 5, [""]),
    ],
    ids=[
        "words",
        "just fits",
        "word as wide as the line",
        "word carried over",
        "a long word",
        "wide",
        "with marks",
        "nothing",
    ],
)
def test_text_is_wrapped_between_words(text, cells, lines):
    assert wrapped(text, cells) == lines


@pytest.mark.parametrize(
    ("text", "cells"),
    [("日本", 4), ("e\u0301", 1), ("👨\u200d👩\u200d👧", 2), ("🇷🇺", 2)],
    ids=["wide", "accent", "family", "flag"],
)
def test_width_is_that_of_what_is_seen(text, cells):
    assert width(clean(text)) == cells
    assert beginning(text, cells) == text
    assert cut(text, cells - 1) != text


@pytest.mark.parametrize(
    "text",
    ["word " * 13_000, "x" * 65_000, "日" * 65_000, "a" + "\u0301" * 65_000],
    ids=["words", "one word", "wide", "marks"],
)
def test_longest_message_takes_no_time(text):
    begin = time.perf_counter()
    shown = clean(text)
    assert len(wrapped(shown, 40)) <= 65_000
    assert width(padded(shown, 40)) == 40
    assert time.perf_counter() - begin < 1.5  # it is 0.1; with the square of it, 10
