"""A chat client in a hundred lines: the state is kept for you, you show it."""

import sys

import trio

from chatproto.client import Session, connect
from chatproto.ids import RoomId
from chatproto.sync.chat_list import order
from chatproto.sync.room import Room

NEWEST = 5


def harmless(text: str) -> str:
    """Without control characters, which would steer the terminal."""
    return "".join(char for char in text if char.isprintable())


def list_of_chats(session: Session) -> list[str]:
    """The chats in the protocol's order, with what is unread in them."""
    lines = []
    for room_id in order(session.state.rooms.values()):
        room = session.state.rooms[room_id]
        count = f" ({room.notification_count})" if room.notification_count else ""
        lines.append(f"{harmless(room.name)}{count}")
    return lines


def newest_messages(session: Session, room: Room) -> list[str]:
    """The newest messages, edits and one's own that still wait included."""
    items = room.items(session.state.outbox.entries(room.room_id))
    lines = []
    for item in [item for item in items if item.type == "m.room.message"][-NEWEST:]:
        name = harmless(room.state.member(item.sender).name)
        body = "(deleted)" if item.redacted else str(item.content.get("body", ""))
        mark = " (edited)" if item.edited else ""
        waits = "" if item.event_id else " …"
        lines.append(f"  {name}: {harmless(body)}{mark}{waits}")
    return lines


def top_chat(session: Session) -> RoomId | None:
    """The chat that is shown, and written to."""
    return next(iter(order(session.state.rooms.values())), None)


def picture(session: Session) -> str:
    lines = list_of_chats(session)
    room_id = top_chat(session)
    if room_id is not None:
        lines[1:1] = newest_messages(session, session.state.rooms[room_id])
    return "\n".join(lines)


async def show(session: Session) -> None:
    """Show the picture, again whenever something in it has changed."""
    changes = session.changes()
    shown = ""
    while True:
        if (now := picture(session)) != shown:
            shown = now
            print(f"\n{shown}\n> ", end="", flush=True)
        await changes.receive()


async def write(session: Session) -> None:
    """Send each line that is typed; without a connection it waits in the outbox."""
    while line := await trio.to_thread.run_sync(
        sys.stdin.readline, abandon_on_cancel=True
    ):
        room_id = top_chat(session)
        if room_id is not None and line.strip():
            room = await session.room(room_id)
            await room.send_text(line.strip())


async def main(url: str, user: str, password: str) -> None:
    async with (
        connect(url, user=user, password=password) as session,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(show, session)
        await write(session)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    _, url, user, password = sys.argv
    trio.run(main, url, user, password)
