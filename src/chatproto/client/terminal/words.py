"""What messages and changes of a room say, in clean words."""

from __future__ import annotations

from chatproto.canonical import JsonObject
from chatproto.client.terminal.text import clean
from chatproto.ids import UserId
from chatproto.sync.items import TimelineItem
from chatproto.sync.outbox import FAILED, SEND, WAITING
from chatproto.sync.room import Room

_KINDS = {
    "m.image": "picture",
    "m.file": "file",
    "m.audio": "sound",
    "m.video": "video",
    "m.location": "place",
}
_MEMBERSHIPS = {
    "join": "is in the room",
    "invite": "was invited",
    "leave": "is no longer in the room",
    "ban": "was banned",
    "knock": "asks to be let in",
}
TEXTS = ("m.text", "m.emote", "m.notice")


def room_name(room: Room) -> str:
    return clean(room.name).strip() or clean(room.room_id)


def member_name(room: Room, user_id: UserId) -> str:
    return clean(room.state.member(user_id).name).strip() or clean(user_id)


def is_text(item: TimelineItem) -> bool:
    """Whether it is a message that can be written anew."""
    return item.state_key is None and item.content.get("msgtype") in TEXTS


def body_of(item: TimelineItem) -> str:
    """What a message says, as it came: it has to be cleaned before it is shown."""
    if item.redacted:
        return "(deleted)"
    body = item.content.get("body")
    text = body if isinstance(body, str) else f"({item.type})"
    kind = _KINDS.get(str(item.content.get("msgtype")))
    return f"[{kind}] {text}" if kind else text


def said_of(room: Room, item: TimelineItem) -> str | None:
    """A change of the room's state; None for one that people need not see."""
    sender = member_name(room, item.sender)
    if item.type == "m.room.member":
        who = member_name(room, UserId(item.state_key or ""))
        membership = str(item.content.get("membership"))
        return f"{who} {_MEMBERSHIPS.get(membership, 'changed')}"
    if item.type == "m.room.name":
        return f"{sender} named the room {clean(str(item.content.get('name', '')))}"
    if item.type == "m.room.topic":
        return f"{sender} set the topic: {clean(str(item.content.get('topic', '')))}"
    return f"{sender} made the room" if item.type == "m.room.create" else None


def marks(item: TimelineItem, *, is_own: bool, is_read: bool) -> str:
    """What is to be known of a message beside its text: edited, waiting, read."""
    shown = " (edited)" if item.edited else ""
    if item.thread is not None:
        shown += f" [{item.thread.count} in the thread]"
    if item.status == "failed":
        why = clean(str((item.error or {}).get("error", "refused")))
        return f"{shown} ✗ not sent: {why}; /retry or /drop"
    if item.status not in (None, "sent"):
        return f"{shown} …"
    if is_own and item.event_id is not None and not item.redacted:
        return f"{shown} {'✓✓' if is_read else '✓'}"
    return shown


def changed_content(item: TimelineItem, text: str) -> JsonObject:
    """The content of a message with another text.

    What it answers is kept by the server's event; one that was not sent yet has nothing
    but its content to keep it.
    """
    is_unsent = item.outgoing == SEND and item.status in (WAITING, FAILED)
    kept = ("msgtype", "m.mentions") + ("m.relates_to",) * is_unsent
    content = {key: item.content[key] for key in kept if key in item.content}
    return {**content, "body": text}
