"""One push item, or a body of /sync, taken over into what is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, UserId
from chatproto.sync.changes import (
    AccountDataChanged,
    Change,
    DeviceLists,
    PresenceChanged,
    RoomAdded,
    RoomRemoved,
    ToDevice,
)
from chatproto.sync.fields import (
    child,
    content_of,
    events,
    is_event,
    number,
    seq_of,
    text,
    texts,
)
from chatproto.sync.known import Known
from chatproto.sync.presence import Presence
from chatproto.sync.push_rules import IGNORED, PUSH_RULES
from chatproto.sync.receipts import Receipt
from chatproto.sync.room import Room
from chatproto.sync.section import ROOM, Taking
from chatproto.sync.state import MEMBER

Take: TypeAlias = Callable[[Known, JsonObject, int], list[Change]]


def take_item(known: Known, item: JsonObject, now_ms: int) -> list[Change]:
    """Take one push item (docs/protocol/socket.md); an unknown one does nothing."""
    changes: list[Change] = []
    for kind in item:
        take = ITEMS.get(kind)
        if take is not None:
            changes += take(known, child(item, kind), now_ms)
    return changes


def _sync(known: Known, body: JsonObject, now_ms: int) -> list[Change]:
    changes: list[Change] = []
    for event in events(body, "account_data"):
        item = {"type": event.get("type"), "content": event.get("content")}
        changes += _account_data(known, item, now_ms)
    for event in events(body, "presence"):
        content = {**content_of(event), "user_id": event.get("sender")}
        changes += _presence(known, content, now_ms)
    rooms = child(body, "rooms")
    for name, take in (
        ("join", _joined),
        ("invite", _asked),
        ("knock", _asked),
        ("leave", _left),
    ):
        sections = child(rooms, name)
        for room_id in sections:
            section = child(sections, room_id)
            changes += take(known, RoomId(room_id), name, section, now_ms)
    changes += known.reordered()
    for event in events(body, "to_device"):
        changes += _to_device(known, event, now_ms)
    changes += _device_lists(known, child(body, "device_lists"), now_ms)
    if "device_one_time_keys_count" in body:
        known.one_time_key_counts = child(body, "device_one_time_keys_count")
    if "device_unused_fallback_key_types" in body:
        kinds = texts(body, "device_unused_fallback_key_types")
        known.fallback_key_types = tuple(kinds)
    known.position = text(body, "next_batch") or known.position
    return changes


def _joined(
    known: Known, room_id: RoomId, name: str, section: JsonObject, now_ms: int
) -> list[Change]:
    changes: list[Change] = []
    room = known.rooms.get(room_id)
    if room is None or room.membership != name:
        changes.append(RoomAdded(room_id, name))
        room = None
    fresh = room is None or _replaces(room, child(section, ROOM))
    if room is None or fresh:
        room = known.new_room(room_id, name)
    taking = Taking(room, now_ms, reset=fresh)
    taking.joined(section)
    return [*changes, *taking.changes(), *known.settled(room, taking.added())]


def _asked(
    known: Known, room_id: RoomId, name: str, section: JsonObject, now_ms: int
) -> list[Change]:
    """An invitation, or a knock of one's own: nothing but a sight of the room."""
    was = known.rooms.get(room_id)
    room = known.new_room(room_id, name)
    room.bump = number(child(section, ROOM), "bump") or 0
    taking = Taking(room, now_ms, reset=True)
    taking.state(events(section, f"{name}_state"))
    is_new = was is None or was.membership != name
    added = [RoomAdded(room_id, name)] if is_new else []
    return [*added, *taking.changes(), *known.settled(room)]


def _left(
    known: Known, room_id: RoomId, _name: str, section: JsonObject, now_ms: int
) -> list[Change]:
    room = known.rooms.get(room_id)
    was_out = room is not None and room.membership in ("leave", "ban")
    if room is None or room.membership in ("invite", "knock"):
        room = known.new_room(room_id, "leave")
    taking = Taking(room, now_ms)
    taking.left(section)
    removed = [RoomRemoved(room_id, room.membership)] if not was_out else []
    return [*taking.changes(), *removed, *known.settled(room, taking.added())]


def _event(known: Known, event: JsonObject, now_ms: int) -> list[Change]:
    room = known.room_of(event)
    seq = seq_of(event)
    if room is None or room.membership != "join":
        return []
    if seq is None or not is_event(event):
        return []
    taking = Taking(room, now_ms, live=seq > room.timeline.head)
    order = room.bump
    new = taking.events([event])
    room.timeline.cover(seq, seq)
    room.timeline.head = max(room.timeline.head, seq)
    changes = taking.changes()
    if new and taking.live and _is_farewell(event, known.user_id):
        room.leave()
        changes.append(RoomRemoved(room.room_id, room.membership))
        changes += known.reordered()
    changes += known.settled(room, new)
    if room.bump != order:
        changes += known.reordered()
    return changes


def _receipt(known: Known, item: JsonObject, now_ms: int) -> list[Change]:
    room, seq = known.room_of(item), number(item, "seq")
    if room is None or room.membership != "join" or seq is None:
        return []
    taking = Taking(room, now_ms)
    taking.receipt(
        Receipt(
            user_id=UserId(text(item, "user_id") or ""),
            type=text(item, "type") or "",
            thread_id=text(item, "thread_id") or "",
            event_id=EventId(text(item, "event_id") or ""),
            seq=seq,
            ts=number(item, "ts") or 0,
        )
    )
    return [*taking.changes(), *known.settled(room)]


def _typing(known: Known, item: JsonObject, now_ms: int) -> list[Change]:
    room = known.room_of(item)
    if room is None or room.membership != "join":
        return []
    taking = Taking(room, now_ms)
    taking.typing(texts(item, "user_ids"))
    return taking.changes()


def _unread(known: Known, item: JsonObject, now_ms: int) -> list[Change]:
    room = known.room_of(item)
    if room is None or room.membership != "join":
        return []
    Taking(room, now_ms).numbers(item, item)
    return known.settled(room)


def _account_data(known: Known, item: JsonObject, now_ms: int) -> list[Change]:
    kind, content = text(item, "type"), content_of(item)
    if kind is None:
        return []
    if "room_id" in item:
        room = known.room_of(item)
        if room is None or room.membership != "join":
            return []
        taking = Taking(room, now_ms)
        taking.account_data(kind, content)
        return [*taking.changes(), *known.settled(room)]
    if known.account_data.get(kind) == content:
        return []
    known.account_data[kind] = content
    changed = known.take_rules() if kind in (PUSH_RULES, IGNORED) else []
    return [AccountDataChanged(kind), *changed]


def _presence(known: Known, content: JsonObject, now_ms: int) -> list[Change]:
    user_id = text(content, "user_id")
    if user_id is None:
        return []
    user = UserId(user_id)
    presence = Presence.of(content, now_ms)
    changed = presence != known.presence.get(user)
    known.presence[user] = presence
    return [PresenceChanged(user)] if changed else []


def _to_device(_known: Known, item: JsonObject, _now_ms: int) -> list[Change]:
    sender, kind = text(item, "sender"), text(item, "type")
    if sender is None or kind is None:
        return []
    return [ToDevice(UserId(sender), kind, content_of(item))]


def _device_lists(_known: Known, item: JsonObject, _now_ms: int) -> list[Change]:
    changed = tuple(UserId(u) for u in texts(item, "changed"))
    left = tuple(UserId(u) for u in texts(item, "left"))
    return [DeviceLists(changed, left)] if changed or left else []


def _replaces(room: Room, told: JsonObject) -> bool:
    """Whether a section is the whole of the room, and not just an old one repeated."""
    if told.get("initial") is not True:
        return False
    through = number(told, "through") or 0
    same_stay = number(told, "joined_seq") == room.joined_seq
    return not same_stay or through > room.timeline.head


def _is_farewell(event: JsonObject, own: UserId) -> bool:
    """Whether the event puts the user out of the room."""
    membership = text(content_of(event), "membership")
    return (
        event.get("type") == MEMBER
        and event.get("state_key") == own
        and membership in ("leave", "ban")
    )


ITEMS: Mapping[str, Take] = MappingProxyType(
    {
        "sync": _sync,
        "event": _event,
        "receipt": _receipt,
        "typing": _typing,
        "presence": _presence,
        "account_data": _account_data,
        "unread": _unread,
        "to_device": _to_device,
        "device_lists": _device_lists,
    },
)
