from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.client.terminal.editor import Editor
from chatproto.client.terminal.keys import Press, Text

NAMES = [
    "left",
    "right",
    "home",
    "end",
    "backspace",
    "delete",
    "ctrl-u",
    "ctrl-k",
    "ctrl-w",
    "up",
]
KEYS = st.one_of(
    st.sampled_from([Press(name) for name in NAMES]),
    st.builds(Text, st.text(min_size=1)),
    st.builds(
        Text, st.sampled_from(["я", "👋", "e\u0301", "\u0301", "👩\u200d👧", " "])
    ),
)


def pressed(keys, text):
    editor = Editor.of(text)
    for name, typed in re.findall(r"<([\w-]+)>|([^<]+)", keys):
        editor = editor.pressed(Press(name) if name else Text(typed))
    return editor.text[: editor.at] + "|" + editor.text[editor.at :]


@pytest.mark.parametrize(
    ("text", "keys", "after"),
    [
        ("", "ab", "ab|"),
        ("ac", "<left>b", "ab|c"),
        ("ab", "<home><delete>", "|b"),
        ("ab", "<end><right><backspace>", "a|"),
        ("ab", "<end><delete>", "ab|"),
        ("ab", "<home><backspace><left>", "|ab"),
        ("one two  ", "<ctrl-w>", "one |"),
        ("one\ntwo", "<ctrl-w>", "one\n|"),
        ("one", "<ctrl-w>", "|"),
        ("one two", "<left><left><left><ctrl-u>", "|two"),
        ("one two", "<home><right><ctrl-k>", "o|"),
        ("ab", "<up>", "ab|"),
        ("ae\u0301", "<backspace>", "a|"),
        ("a👩\u200d👧b", "<left><left>", "a|👩\u200d👧b"),
        ("🇷🇺🇫🇮", "<home><right><delete>", "🇷🇺|"),
    ],
    ids=lambda value: ascii(value),
)
def test_keys_edit_the_line(text, keys, after):
    assert pressed(keys, text) == after


@given(st.lists(KEYS))
def test_cursor_stays_in_the_line(keys):
    editor = Editor()
    for key in keys:
        editor = editor.pressed(key)
        assert 0 <= editor.at <= len(editor.text)


@given(st.text(), st.text(min_size=1))
def test_typing_and_taking_back_leave_what_was(text, typed):
    editor = Editor.of(text).pressed(Text(typed))
    assert editor.text == text + typed
    while len(editor.text) > len(text):
        shorter = editor.pressed(Press("backspace"))
        assert editor.text.startswith(shorter.text)
        assert len(shorter.text) < len(editor.text)
        editor = shorter


@given(st.text(), st.lists(st.sampled_from(["left", "right", "home", "end"])))
def test_moving_changes_no_text(text, names):
    editor = Editor.of(text)
    for name in names:
        editor = editor.pressed(Press(name))
    assert editor.text == text


@given(st.text())
def test_right_and_left_pass_every_character(text):
    forth, back = [0], [len(text)]
    editor = Editor(text, 0)
    while editor.at < len(text):
        editor = editor.pressed(Press("right"))
        forth.append(editor.at)
    while editor.at:
        editor = editor.pressed(Press("left"))
        back.append(editor.at)
    assert forth == back[::-1]
