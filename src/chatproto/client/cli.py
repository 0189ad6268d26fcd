"""`chatproto`: log in, list, send, watch and call from a terminal or a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from typing import Any

import click
import trio

from chatproto.client.printing import say, say_json, show_event, show_room
from chatproto.client.profile import (
    Profile,
    delete_profile,
    load_profile,
    save_profile,
)
from chatproto.client.session import Session, connect
from chatproto.client.terminal.lines import can_draw, chat_by_lines
from chatproto.client.terminal.text import clean
from chatproto.client.transport import NetworkTransport
from chatproto.errors import ChatprotoError, LocalError
from chatproto.ids import RoomId
from chatproto.module import Module
from chatproto.operations.accounts import LOGIN, LOGOUT, Login, Logout
from chatproto.operations.codec import hints, is_text, structure, unstructure
from chatproto.operations.declare import OperationTable
from chatproto.operations.table import OPERATIONS
from chatproto.sync.chat_list import order


@click.group()
@click.version_option(package_name="chatproto")
@click.option("--profile", default="default", help="whom to be, of several logged in")
@click.pass_context
def main(context: click.Context, profile: str) -> None:
    """A client of a chatproto server."""
    context.obj = profile


@main.command()
@click.argument("url")
@click.option("--user", prompt=True)
@click.option("--password", prompt=True, hide_input=True)
@click.pass_obj
def login(name: str, url: str, user: str, password: str) -> None:
    """Log in to the server at URL and remember it."""

    async def run() -> None:
        network = NetworkTransport(url)
        try:
            request = Login(
                user=user,
                password=password,
                initial_device_display_name="chatproto command line",
            )
            answer = await network.call(LOGIN, request, None)
        finally:
            await network.aclose()
        save_profile(name, Profile(url, answer.user_id, answer.access_token))
        say(f"logged in as {answer.user_id}")

    _run(run)


@main.command()
@click.pass_obj
def logout(name: str) -> None:
    """Log out and forget the profile."""

    async def run() -> None:
        profile = load_profile(name)
        network = NetworkTransport(profile.url)
        try:
            await network.call(LOGOUT, Logout(), profile.token)
        finally:
            await network.aclose()
            delete_profile(name)

    _run(run)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="one JSON object for each room")
@click.pass_obj
def rooms(name: str, as_json: bool) -> None:  # click passes by name
    """List the chats, the one with the newest message by others first."""

    async def run(session: Session) -> None:
        for room_id in order(session.state.rooms.values()):
            show_room(session.state.rooms[room_id], as_json=as_json)

    _with_session(name, run)


@main.command()
@click.argument("room")
@click.argument("text")
@click.option("--txn", help="send once only, however often this is repeated")
@click.pass_obj
def send(name: str, room: str, text: str, txn: str | None) -> None:
    """Send TEXT (- reads it from standard input) to ROOM: an alias, ID or name."""
    body = sys.stdin.read().rstrip("\n") if text == "-" else text

    async def run(session: Session) -> None:
        handle = await session.room(find_room(session, room))
        say(await handle.send_text(body, txn=txn))

    _with_session(name, run)


@main.command()
@click.argument("room", required=False)
@click.option("--json", "as_json", is_flag=True, help="one event as JSON on each line")
@click.option("--history", default=0, help="so many of the newest messages first")
@click.pass_obj
def tail(
    name: str, room: str | None, as_json: bool, history: int
) -> None:  # click passes by name
    """Show what is said, in ROOM or everywhere, until interrupted."""

    async def run(session: Session) -> None:
        room_id = None if room is None else RoomId(find_room(session, room))
        if room is not None and room.startswith("#"):
            room_id = (await session.room(room)).room_id
        events = session.subscribe()
        for known, of_room in session.state.rooms.items():
            if history and room_id in (None, known):
                for event in of_room.timeline.events()[-history:]:
                    show_event(
                        session.state, {**event, "room_id": known}, as_json=as_json
                    )
        async for event in events:
            if room_id in (None, event["room_id"]):
                show_event(session.state, event, as_json=as_json)

    _with_session(name, run)


@main.command()
@click.argument("room", required=False)
@click.pass_obj
def chat(name: str, room: str | None) -> None:
    """Chat on this terminal, beginning in ROOM; by lines where it is none."""

    async def run(session: Session) -> None:
        room_id = None
        if room is not None:
            room_id = (await session.room(find_room(session, room))).room_id
        if can_draw():
            # Here, for the rest of the program runs where there is no such terminal.
            from chatproto.client.terminal import app

            await app.chat(session, room_id)
        elif room_id is None:
            raise LocalError("name a ROOM: there is no terminal to choose one on")
        else:
            await chat_by_lines(session, room_id, write=say)

    _with_session(name, run)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="one JSON object on each line")
@click.option("--module", "modules", multiple=True, help="package:MODULE, for its own")
def ops(as_json: bool, modules: tuple[str, ...]) -> None:  # click passes by name
    """Print the table of operations."""
    for operation in _table(modules):
        row = {
            "name": operation.name,
            "verb": operation.verb,
            "path": operation.path,
            "access": operation.access.value,
            "rate": operation.rate.value,
        }
        if as_json:
            say_json(row)
        else:
            say("{name:28} {access:7} {rate:10} {verb:6} {path}".format(**row))


@main.command()
@click.argument("operation")
@click.argument("fields", nargs=-1)
@click.option("--module", "modules", multiple=True, help="package:MODULE, for its own")
@click.pass_obj
def call(
    name: str, operation: str, fields: tuple[str, ...], modules: tuple[str, ...]
) -> None:
    """Call OPERATION with FIELDS: name=JSON, or name=text where it is not JSON."""
    table = _table(modules)
    found = table.by_name.get(operation)
    if found is None:
        raise click.ClickException(
            f"no operation {operation!r}; `chatproto ops` lists them"
        )

    async def run(session: Session) -> None:
        given = dict(_field(found.request, text) for text in fields)
        request = structure(found.request, given)
        answer = await session.call(request)
        plain = answer if isinstance(answer, dict | tuple) else unstructure(answer)
        say_json(plain, indent=2)

    _with_session(name, run, table)


def find_room(session: Session, name: str) -> str:
    """An ID or alias as it is, or the room of this name. Raises LocalError."""
    if name[:1] in ("!", "#"):
        return name
    found = [r.room_id for r in session.state.rooms.values() if r.name == name]
    if len(found) != 1:
        count = "no room" if not found else f"{len(found)} rooms"
        raise LocalError(f"there is {count} called {name!r}; give its ID or alias")
    return found[0]


def _field(request: type, text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise LocalError(f"{text!r} is not of the form name=value")
    if is_text(hints(request).get(name)):
        return name, value
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _table(modules: tuple[str, ...]) -> OperationTable:
    table = OPERATIONS
    for text in modules:
        package, _, attribute = text.partition(":")
        try:
            module = getattr(import_module(package), attribute or "MODULE")
        except (ImportError, AttributeError) as error:
            raise click.ClickException(f"cannot load {text}: {error}") from None
        if not isinstance(module, Module):
            raise click.ClickException(f"{text} is not a chatproto module")
        table = table.with_operations(module.operations)
    return table


def _with_session(
    name: str,
    work: Callable[[Session], Awaitable[None]],
    table: OperationTable = OPERATIONS,
) -> None:
    async def run() -> None:
        profile = load_profile(name)
        async with connect(
            profile.url, token=profile.token, operations=table
        ) as session:
            await work(session)

    _run(run)


def _run(function: Callable[[], Awaitable[None]]) -> None:
    try:
        trio.run(partial(function))
    except* (ChatprotoError, OSError) as group:
        raise click.ClickException(clean(str(_first(group)))) from None
    except* KeyboardInterrupt:
        sys.exit(130)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
