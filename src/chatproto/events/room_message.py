"""What people write."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.events.content import key
from chatproto.events.declare import EventKind, EventType
from chatproto.events.relations import Forwarded


@frozen(kw_only=True)
class Message:
    """A message: `msgtype` is m.text, m.notice, m.emote, m.image, m.file, m.audio,
    m.video or m.location, or a type of one's own with a `body` to fall back on.
    """

    msgtype: str
    body: str
    format: str | None = None
    formatted_body: str | None = None
    url: str | None = None
    file: JsonObject | None = None
    filename: str | None = None
    info: JsonObject | None = None
    geo_uri: str | None = None
    relates_to: JsonObject | None = field(default=None, metadata=key("m.relates_to"))
    new_content: JsonObject | None = field(default=None, metadata=key("m.new_content"))
    mentions: JsonObject | None = field(default=None, metadata=key("m.mentions"))
    forwarded: Forwarded | None = field(
        default=None,
        metadata=key("org.chatproto.forwarded"),
    )


@frozen(kw_only=True)
class Encrypted:
    """An encrypted event; the server relays it."""

    algorithm: str
    ciphertext: Any
    sender_key: str | None = None
    device_id: str | None = None
    session_id: str | None = None
    relates_to: JsonObject | None = field(default=None, metadata=key("m.relates_to"))


@frozen(kw_only=True)
class Sticker:
    """A picture instead of words."""

    body: str
    url: str | None = None
    info: JsonObject = field(factory=JsonObject)


EVENTS = (
    EventType("m.room.message", EventKind.MESSAGE, Message, bumps=True, counts=True),
    EventType(
        "m.room.encrypted", EventKind.MESSAGE, Encrypted, bumps=True, counts=True
    ),
    EventType("m.sticker", EventKind.MESSAGE, Sticker, bumps=True, counts=True),
)
