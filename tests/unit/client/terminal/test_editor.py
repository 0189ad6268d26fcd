from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.client.terminal.editor import Editor

KEYS = [
    "<left>",
    "<right>",
    "<home>",
    "<end>",
    "<backspace>",
    "<delete>",
    "<ctrl-u>",
    "<ctrl-k>",
    "<ctrl-w>",
    "<up>",
    "<nothing>",
    "a",
    "я",
    "👋",
    " ",
]


def pressed(*keys, text=""):
    editor = Editor.of(text)
    for key in keys:
        editor = editor.pressed(key)
    return editor.text[: editor.at] + "|" + editor.text[editor.at :]


@pytest.mark.parametrize(
    ("text", "keys", "after"),
    [
        ("", "a b", "ab|"),
        ("ac", "<left> b", "ab|c"),
        ("ab", "<home> <delete>", "|b"),
        ("ab", "<end> <right> <backspace>", "a|"),
        ("ab", "<home> <backspace>", "|ab"),
        ("one two  ", "<ctrl-w>", "one |"),
        ("one", "<ctrl-w>", "|"),
        ("one two", "<left> <left> <left> <ctrl-u>", "|two"),
        ("one two", "<home> <right> <ctrl-k>", "o|"),
        ("ab", "<up>", "ab|"),
    ],
    ids=lambda value: str(value),
)
def test_keys_edit_the_line(text, keys, after):
    assert pressed(*keys.split(), text=text) == after


@given(st.lists(st.sampled_from(KEYS)))
def test_cursor_stays_in_the_line(keys):
    editor = Editor()
    for key in keys:
        editor = editor.pressed(key)
        assert 0 <= editor.at <= len(editor.text)
