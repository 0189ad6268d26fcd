"""Chatting line by line, where there is no terminal to draw on."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import trio

from chatproto.canonical import JsonObject
from chatproto.client.rooms import Room as Handle
from chatproto.client.session import Session
from chatproto.client.terminal.text import clean
from chatproto.client.terminal.words import member_name
from chatproto.ids import RoomId, UserId
from chatproto.sync.fields import child, content_of, number
from chatproto.sync.policy import is_edit
from chatproto.sync.room import Room


def can_draw() -> bool:
    """Whether there is a terminal to draw on, and somebody at its keys."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return is_terminal and os.environ.get("TERM", "dumb") != "dumb"


async def chat_by_lines(
    session: Session,
    room_id: RoomId,
    *,
    read: Callable[[], str] = sys.stdin.readline,
    write: Callable[[str], None],
) -> None:
    """Send what is read, write what others say, until there is nothing more to read."""
    async with trio.open_nursery() as nursery:
        events = session.subscribe()

        async def listen() -> None:
            async for event in events:
                of_others = event["sender"] != session.user_id
                room = session.state.rooms.get(room_id)
                if room is not None and of_others and event["room_id"] == room_id:
                    line = line_of(room, event)
                    if line is not None:
                        write(line)

        nursery.start_soon(listen)
        handle = Handle(session, room_id)
        while line := await trio.to_thread.run_sync(read, abandon_on_cancel=True):
            if line.strip():
                await handle.send_text(line.rstrip("\n"))
        nursery.cancel_scope.cancel()


def line_of(room: Room, event: JsonObject) -> str | None:
    """What an event says, as one clean line; None if it says nothing."""
    if event.get("type") != "m.room.message":
        return None
    content, mark = content_of(event), ""
    if is_edit(event):
        content, mark = child(content, "m.new_content"), " (edited)"
    name = member_name(room, UserId(str(event.get("sender"))))
    at_ms = number(event, "origin_server_ts") or 0
    clock = time.strftime("%H:%M", time.localtime(at_ms / 1000))
    return f"{clock} {name}: {clean(str(content.get('body', '')))}{mark}"
