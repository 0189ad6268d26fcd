"""Chatting line by line, where there is no terminal to draw on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import trio

from chatproto.client.rooms import Room as Handle
from chatproto.client.session import Session
from chatproto.client.terminal.text import clean
from chatproto.ids import RoomId, UserId


async def chat_by_lines(
    session: Session,
    room_id: RoomId,
    *,
    read: Callable[[], str] = sys.stdin.readline,
    write: Callable[[str], None] = print,
) -> None:
    """Send what is read, write what others say, until there is nothing more to read."""
    async with trio.open_nursery() as nursery:
        events = session.subscribe()

        async def listen() -> None:
            async for event in events:
                of_others = event["sender"] != session.user_id
                if of_others and event["room_id"] == room_id:
                    line = _shown(session, room_id, event)
                    if line:
                        write(line)
                        sys.stdout.flush()

        nursery.start_soon(listen)
        handle = Handle(session, room_id)
        while line := await trio.to_thread.run_sync(read, abandon_on_cancel=True):
            if line.strip():
                await handle.send_text(line.rstrip("\n"))
        nursery.cancel_scope.cancel()


def _shown(session: Session, room_id: RoomId, event: dict[str, object]) -> str | None:
    content = event["content"]
    if event["type"] != "m.room.message" or not isinstance(content, dict):
        return None
    room = session.state.rooms[room_id]
    name = clean(room.state.member(UserId(str(event["sender"]))).name)
    clock = time.strftime("%H:%M")
    return f"{clock} {name}: {clean(str(content.get('body', '')))}"
