"""The lines above and below a chat: whom it is with, and what goes on."""

from __future__ import annotations

from chatproto.client.terminal.text import clean
from chatproto.client.terminal.words import member_name, room_name
from chatproto.sync.outbox import FAILED
from chatproto.sync.room import Room
from chatproto.sync.store import ClientState


def room_title(state: ClientState, room: Room | None) -> str:
    """The room's name and topic, or what the other of two says of themselves."""
    if room is None:
        return " chatproto"
    topic = clean(room.state.topic or "") or _status_of_other(state, room)
    return f" {room_name(room)}" + (f" — {topic}" if topic else "")


def status_text(
    state: ClientState,
    room: Room | None,
    *,
    notice: str = "",
    is_connected: bool = True,
    is_editing: bool = False,
    scroll: int = 0,
) -> str:
    """The connection if there is none, and the most urgent of the rest."""
    parts = [] if is_connected else [_offline(state)]
    if notice:
        parts.append(clean(notice))
    elif is_editing:
        parts.append("changing your message; Esc leaves it as it was")
    elif room is not None and room.typing.user_ids:
        parts.append(_typing(room))
    if scroll:
        parts.append(f"↑ {scroll} lines back; Esc returns")
    return " " + (" · ".join(parts) or clean(state.user_id))


def unsent(state: ClientState) -> int:
    """How many messages wait to be sent."""
    return sum(entry.status != FAILED for entry in state.outbox.entries())


def _offline(state: ClientState) -> str:
    count = unsent(state)
    waiting = f"{count} waiting" if count else "what you write waits"
    return f"offline: will send when back ({waiting})"


def _typing(room: Room) -> str:
    users = room.typing.user_ids
    if len(users) > 3:
        return f"{len(users)} people are writing…"
    names = ", ".join(member_name(room, user) for user in users)
    return f"{names} {'is' if len(users) == 1 else 'are'} writing…"


def _status_of_other(state: ClientState, room: Room) -> str:
    if room.room_id not in state.direct_rooms():
        return ""
    others = [u for u in room.state.members("join") if u != state.user_id]
    presence = state.presence.get(others[0]) if len(others) == 1 else None
    if presence is None:
        return ""
    said = clean(presence.status_msg or "")
    return f"{clean(presence.presence)}: {said}" if said else clean(presence.presence)
