from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.client.terminal.keys import Keys

PRESSED = {
    "привет": list("привет"),
    "\r": ["<enter>"],
    "\x1b[A\x1b[B": ["<up>", "<down>"],
    "\x1bOH\x1b[4~": ["<home>", "<end>"],
    "\x1b[5~a": ["<page-up>", "a"],
    "\x1b[Z\t": ["<previous>", "<tab>"],
    "\x17\x7f": ["<ctrl-w>", "<backspace>"],
    "\x1b[1;5C": [],
    "\x1b[200~a\rb\x1b[A\x1b[201~c": ["a", " ", "b", "[", "A", "c"],
    "\x1bx": ["<esc>", "x"],
}


@pytest.mark.parametrize(("typed", "keys"), PRESSED.items(), ids=map(ascii, PRESSED))
def test_bytes_become_keys(typed, keys):
    assert Keys().feed(typed.encode()) == keys


@given(st.sampled_from(list(PRESSED)), st.data())
def test_pieces_make_no_difference(typed, data):
    keys, found, rest = Keys(), [], typed.encode()
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += keys.feed(rest[:size])
        rest = rest[size:]
    assert found == PRESSED[typed]


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_any_bytes_are_read(pieces):
    keys = Keys()
    for piece in pieces:
        for key in keys.feed(piece) + keys.flush():
            assert len(key) == 1 or (key[0], key[-1]) == ("<", ">")


def test_escape_alone_is_a_key_after_a_moment():
    keys = Keys()
    assert keys.feed(b"\x1b") == []
    assert keys.is_waiting
    assert keys.flush() == ["<esc>"]
    assert keys.feed(b"[A") == ["[", "A"]
