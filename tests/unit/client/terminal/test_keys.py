from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.client.terminal.keys import Keys, Press, Text

PRESSED = {
    "привет": "привет",
    "\r": "<enter>",
    "a\tb": "a<tab>b",
    "\x1b[A\x1b[B": "<up><down>",
    "\x1bOH\x1b[4~": "<home><end>",
    "\x1b[5~a": "<page-up>a",
    "\x1b[Z\x0e\x10": "<shift-tab><ctrl-n><ctrl-p>",
    "\x17\x7f": "<ctrl-w><backspace>",
    "\x1b[1;5C": "",
    "a\x00\x9bb": "ab",
    "\x1b[200~a\rb\r\nc\nd\x1b[A\te\x1b[201~f": "a\nb\nc\nd[A ef",
    "\x1bx": "<esc>x",
}


def shown(keys):
    return "".join(
        key.text if isinstance(key, Text) else f"<{key.name}>" for key in keys
    )


@pytest.mark.parametrize(("typed", "keys"), PRESSED.items(), ids=map(ascii, PRESSED))
def test_bytes_become_keys(typed, keys):
    assert shown(Keys().feed(typed.encode())) == keys


@given(st.sampled_from(list(PRESSED)), st.data())
def test_pieces_make_no_difference(typed, data):
    keys, found, rest = Keys(), [], typed.encode()
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += keys.feed(rest[:size])
        rest = rest[size:]
    assert shown(found) == PRESSED[typed]


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_text_of_any_bytes_is_text(pieces):
    keys = Keys()
    for piece in pieces:
        for key in keys.feed(piece) + keys.flush():
            if isinstance(key, Text):
                assert key.text
                assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", key.text)
            else:
                assert re.fullmatch(r"[a-z-]+", key.name)


def test_pasted_text_is_one_key():
    pasted = "word " * 10_000
    assert Keys().feed(f"\x1b[200~{pasted}\x1b[201~".encode()) == [Text(pasted)]


def test_escape_alone_is_a_key_after_a_moment():
    keys = Keys()
    assert keys.feed(b"\x1b") == []
    assert keys.is_waiting
    assert keys.flush() == [Press("esc")]
    assert keys.feed(b"[A") == [Text("[A")]
