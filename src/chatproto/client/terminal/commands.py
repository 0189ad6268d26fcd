"""What begins with a slash."""

from __future__ import annotations

from attrs import frozen

from chatproto.errors import LocalError

COMMANDS = {
    "me": "/me TEXT: say what you are doing",
    "reply": "/reply [N] TEXT: answer message N, or the newest of another",
    "edit": "/edit [N] TEXT: change your message N, or your newest",
    "delete": "/delete [N]: take message N back, or your newest",
    "react": "/react [N] EMOJI: react to message N, or the newest of another",
    "retry": "/retry: send again what was refused here",
    "drop": "/drop: forget what was refused here",
    "join": "/join #ALIAS or !ID: go into a room; without one, accept this invitation",
    "create": "/create NAME: make a room",
    "dm": "/dm @USER: open the chat with a user",
    "invite": "/invite @USER: ask a user into this room",
    "leave": "/leave: go out of this room, or decline its invitation",
    "status": "/status [TEXT]: tell others what you are at",
    "mute": "/mute: count this room's messages no longer, or again",
    "help": "/help: show this",
    "quit": "/quit: leave (also Ctrl-C)",
}


@frozen
class Command:
    """A command with its words; `number` is that of a message, if it began with one."""

    name: str
    text: str = ""
    number: int | None = None


def parse(line: str) -> Command | None:
    """The command of a line; None for a line that is just text.

    Two slashes begin a text that begins with one. Raises LocalError for an unknown
    command.
    """
    if not line.startswith("/") or line.startswith("//"):
        return None
    name, _, text = line[1:].partition(" ")
    if name not in COMMANDS:
        raise LocalError(f"no command /{name[:30]}; /help lists them")
    text = text.strip()
    first, _, rest = text.partition(" ")
    numbered = name in ("reply", "edit", "delete", "react")
    if numbered and first.isascii() and first.isdigit() and len(first) < 10:
        return Command(name, rest.strip(), int(first))
    return Command(name, text)


def plain(line: str) -> str:
    """A line that is text, as it is sent."""
    return line[1:] if line.startswith("//") else line
