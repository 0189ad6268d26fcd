"""What the command line prints: nothing that others wrote steers the terminal."""

from __future__ import annotations

import time
from typing import Any

import click

from chatproto.canonical import JsonObject
from chatproto.client.terminal.text import clean, clean_json
from chatproto.client.terminal.words import room_name
from chatproto.sync.fields import content_of
from chatproto.sync.room import Room
from chatproto.sync.store import ClientState


def say(text: str) -> None:
    click.echo(clean(text))


def say_json(value: Any, *, indent: int | None = None) -> None:
    click.echo(clean_json(value, indent=indent))


def show_room(room: Room, *, as_json: bool) -> None:
    """Print a chat of the list, with what is unread in it."""
    if as_json:
        row = {
            "room_id": room.room_id,
            "name": room.name,
            "membership": room.membership,
            "unread": room.notification_count,
            "highlights": room.highlight_count,
        }
        say_json(row)
    else:
        count = f"({room.notification_count})" if room.notification_count else ""
        invited = " [invited]" if room.membership == "invite" else ""
        say(f"{count:>5} {room_name(room)}{invited}  {room.room_id}")


def show_event(state: ClientState, event: JsonObject, *, as_json: bool) -> None:
    """Print an event: as JSON, or what it says if it says something."""
    if as_json:
        say_json(event)
    elif event["type"] == "m.room.message":
        room = state.rooms.get(event["room_id"])
        shown = room_name(room) if room else event["room_id"]
        clock = time.strftime("%H:%M", time.localtime(event["origin_server_ts"] / 1000))
        body = content_of(event).get("body", "")
        say(f"{clock} {shown} {event['sender']}: {body}")
