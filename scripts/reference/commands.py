"""What can be said on the command line."""

from __future__ import annotations

from collections.abc import Iterator

import click

from chatproto.client.cli import main as client
from reference_server.cli import main as server
from reference_server.config import options
from scripts.reference.markdown import code, table

_INTRO = """# Commands

`chatproto` is [a client for the terminal and for scripts](../how-to/command-line.md),
`chatproto-server` [the server](../how-to/run-a-server.md). With `--help` every command
explains itself. What has failed ends with status 1 and one line on standard error, what is
wrongly written with 2.
"""
_SETTINGS = "Every [setting](settings.md) is an option, too.\n"


def page() -> str:
    parts = [_INTRO]
    for name, group in (("chatproto", client), ("chatproto-server", server)):
        for words, command in commands(name, group):
            parts.append(_command(words, command))
    return "\n".join(parts)


def commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """The program and all its commands, each with the words that lead to it."""
    yield name, command
    if isinstance(command, click.Group):
        for word in command.commands:
            yield from commands(f"{name} {word}", command.commands[word])


def _command(words: str, command: click.Command) -> str:
    context = click.Context(command, info_name=words)
    pieces = command.collect_usage_pieces(context)
    given = [p for p in command.params if isinstance(p, click.Option)]
    takes_settings = any(o.name == "config_file" for o in given)
    settings = {o.name for o in options()} if takes_settings else set()
    own = [o for o in given if o.name not in settings]
    rows = [(code(_spelled(o)), o.help or _by_itself(o)) for o in own]
    usage = " ".join([words, *pieces])
    depth = "##" if " " not in words else "###"
    parts = [f"{depth} {words}\n", f"    {usage}\n", f"{command.help}\n"]
    if rows:
        parts.append(table(("option", "what it does"), rows))
    if takes_settings:
        parts.append(_SETTINGS)
    return "\n".join(parts)


def _spelled(option: click.Option) -> str:
    name = option.opts[0]
    return name if option.is_flag else f"{name} {option.make_metavar(_ANY)}"


def _by_itself(option: click.Option) -> str:
    assert option.prompt, f"{option.name} has no help"
    return f"{option.prompt.lower()}; asked for if absent"


_ANY = click.Context(click.Command("any"))
