from __future__ import annotations

import re

import pytest

from chatproto.client.bot import Command, Message, Router
from chatproto.errors import LocalError
from chatproto.ids import UserId


async def add(message: Message, first: int, second: int = 1) -> None:
    """Add two numbers.

    That is all.
    """


async def echo(message: Message, times: int, text: str) -> None: ...


async def greet(message: Message, who: UserId | None = None) -> None: ...


async def untyped(message, word) -> None: ...


READ = {
    "one": (add, "2", [2]),
    "two": (add, "2 3", [2, 3]),
    "rest_as_it_is": (echo, "2 one  two\nthree", [2, "one  two\nthree"]),
    "optional": (greet, "", []),
    "of_optional_type": (greet, "@anna:x", ["@anna:x"]),
    "without_annotation": (untyped, "a b", ["a b"]),
}


@pytest.mark.parametrize(("handler", "text", "arguments"), READ.values(), ids=READ)
def test_arguments_are_read_by_annotation(handler, text, arguments):
    command = Command("name", handler)
    assert command.arguments(command.words(text)) == arguments


WRONG = {
    "too_few": (add, "", "it takes !name first [second]"),
    "too_many": (add, "1 2 3", "it takes !name first [second]"),
    "no_number": (add, "x", "first is not a int: 'x'"),
    "text_missing": (echo, "2", "it takes !name times text"),
    "first_of_two": (echo, "x y", "times is not a int: 'x'"),
}


@pytest.mark.parametrize(("handler", "text", "why"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_explained(handler, text, why):
    command = Command("name", handler)
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        command.arguments(command.words(text))


def test_help_lists_commands_by_name():
    router = Router()
    router.command("greet")(greet)
    router.command("add")(add)
    assert router.help() == "!add first [second] - Add two numbers.\n!greet [who]"


def test_name_is_taken_once():
    router = Router()
    router.command("add")(add)
    with pytest.raises(LocalError, match="a command 'add' already"):
        router.command("add")(echo)


def test_router_is_included_with_its_filters():
    router, bot = Router(), Router()
    router.command("add", lambda message: False)(add)
    router.message()(greet)
    router.on("m.reaction")(greet)
    bot.include(router)
    assert not bot.commands["add"].wanted(None)
    assert len(bot.messages) == len(bot.events) == 1
    with pytest.raises(LocalError):
        bot.include(router)
