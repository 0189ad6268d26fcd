from __future__ import annotations

import pytest

from chatproto.client.terminal.actions import Actions
from chatproto.client.terminal.commands import COMMANDS, Command, parse, plain
from chatproto.errors import LocalError


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("hello", None),
        ("//etc", None),
        ("/me waves", Command("me", "waves")),
        ("/reply 12 yes", Command("reply", "yes", 12)),
        ("/reply 12 monkeys is a film", Command("reply", "monkeys is a film", 12)),
        ("/delete", Command("delete")),
        ("/delete 7", Command("delete", "", 7)),
        ("/react 👍", Command("react", "👍")),
        ("/me 5 apples", Command("me", "5 apples")),
    ],
    ids=lambda value: str(value),
)
def test_line_is_read(line, command):
    assert parse(line) == command


@pytest.mark.parametrize("line", ["/", "/nothing", "/ME x", "/\x1b[A"], ids=ascii)
def test_unknown_command_is_refused(line):
    with pytest.raises(LocalError, match="no command"):
        parse(line)


def test_two_slashes_begin_a_text():
    assert plain("//etc/hosts") == "/etc/hosts"
    assert plain("etc") == "etc"


def test_every_command_does_something():
    assert all(callable(getattr(Actions, name)) for name in COMMANDS)
