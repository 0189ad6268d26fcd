"""What a push may contain (docs/protocol/socket.md), as JSON Schema."""

from __future__ import annotations

from chatproto.canonical import JsonObject

_TEXT: JsonObject = {"type": "string"}
_NUMBER: JsonObject = {"type": "integer"}
_OBJECT: JsonObject = {"type": "object"}
_TEXTS: JsonObject = {"type": "array", "items": _TEXT}


def _item(
    key: str, required: dict[str, JsonObject], **optional: JsonObject
) -> JsonObject:
    fields = {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
    }
    return {"type": "object", "properties": {key: fields}, "required": [key]}


_PRESENCE = _item(
    "presence",
    {"user_id": _TEXT, "presence": {"enum": ["online", "unavailable", "offline"]}},
    status_msg=_TEXT,
    last_active_ago=_NUMBER,
    currently_active={"type": "boolean"},
    **{"org.chatproto.expires_in_ms": _NUMBER},
)
_RECEIPT = _item(
    "receipt",
    {
        "room_id": _TEXT,
        "user_id": _TEXT,
        "type": _TEXT,
        "event_id": _TEXT,
        "seq": _NUMBER,
        "ts": _NUMBER,
    },
    thread_id=_TEXT,
)
_EVENT = _item(
    "event",
    {
        "event_id": _TEXT,
        "room_id": _TEXT,
        "sender": _TEXT,
        "type": _TEXT,
        "origin_server_ts": _NUMBER,
        "content": _OBJECT,
        "unsigned": _OBJECT,
    },
    state_key=_TEXT,
    redacts=_TEXT,
)
_UNREAD = _item(
    "unread",
    {
        "room_id": _TEXT,
        "read_seq": _NUMBER,
        "through": _NUMBER,
        "notification_count": _NUMBER,
        "highlight_count": _NUMBER,
    },
)
_ACCOUNT_DATA = _item(
    "account_data", {"type": _TEXT, "content": _OBJECT}, room_id=_TEXT
)

ITEMS: dict[str, JsonObject] = {
    "SyncItem": _item("sync", {}),
    "EventItem": _EVENT,
    "ReceiptItem": _RECEIPT,
    "TypingItem": _item("typing", {"room_id": _TEXT, "user_ids": _TEXTS}),
    "PresenceItem": _PRESENCE,
    "AccountDataItem": _ACCOUNT_DATA,
    "UnreadItem": _UNREAD,
    "ToDeviceItem": _item(
        "to_device", {"sender": _TEXT, "type": _TEXT, "content": _OBJECT}
    ),
    "DeviceListsItem": _item("device_lists", {}, changed=_TEXTS, left=_TEXTS),
}
