"""What a push gateway is told of an event.

Source: Matrix Push Gateway API, `POST /_matrix/push/v1/notify`.
"""

from __future__ import annotations

from attrs import frozen

from chatproto.canonical import JsonObject, object_of
from chatproto.decisions import Row
from chatproto.rooms.push_rules import PushRule
from chatproto.rooms.state import RoomState


@frozen(kw_only=True)
class Told:
    """An event in client format, the rule that notifies of it, and the room."""

    event: JsonObject
    rule: PushRule
    state: RoomState
    unread: int


def notification(pusher: Row, told: Told) -> JsonObject:
    """The body for a gateway; by `format` it may know no more than the event's ID."""
    event = told.event
    body: JsonObject = {
        "event_id": event["event_id"],
        "room_id": event["room_id"],
        "counts": {"unread": told.unread},
        "prio": "high" if _is_urgent(told) else "low",
        "devices": [_device(pusher, told.rule)],
    }
    if pusher["data"].get("format") != "event_id_only":
        body |= _details(pusher, told)
    return {"notification": body}


def badge(pusher: Row, unread: int) -> JsonObject:
    """The body that only says how many rooms are unread."""
    counts = {"counts": {"unread": unread}, "devices": [_device(pusher, None)]}
    return {"notification": counts}


def _details(pusher: Row, told: Told) -> JsonObject:
    event, state = told.event, told.state
    details: JsonObject = {
        "type": event["type"],
        "sender": event["sender"],
        "content": event["content"],
    }
    named = {
        "sender_display_name": _text(
            state, "m.room.member", event["sender"], "displayname"
        ),
        "room_name": _text(state, "m.room.name", "", "name"),
        "room_alias": _text(state, "m.room.canonical_alias", "", "alias"),
    }
    details |= {name: text for name, text in named.items() if text}
    if event["type"] == "m.room.member":
        details["user_is_target"] = event.get("state_key") == pusher["user_id"]
    return details


def _device(pusher: Row, rule: PushRule | None) -> JsonObject:
    data = {key: value for key, value in pusher["data"].items() if key != "url"}
    device: JsonObject = {
        "app_id": pusher["app_id"],
        "pushkey": pusher["pushkey"],
        "pushkey_ts": pusher["created_ts"] // 1000,
        "data": data,
    }
    tweaks: JsonObject = {}
    if rule is not None and rule.sound is not None:
        tweaks["sound"] = rule.sound
    if rule is not None and rule.highlights:
        tweaks["highlight"] = True
    return {**device, "tweaks": tweaks} if tweaks else device


def _is_urgent(told: Told) -> bool:
    """Whether it may wake a device: what is aimed at the user, or may be."""
    rule = told.rule
    return (
        rule.highlights
        or rule.sound is not None
        or told.event["type"] == "m.room.encrypted"
    )


def _text(state: RoomState, kind: str, state_key: str, field: str) -> str | None:
    found = state.get(kind, state_key)
    text = None if found is None else object_of(found.content).get(field)
    return text if isinstance(text, str) else None
