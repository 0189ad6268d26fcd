"""The push rules that everybody has.

Source: Matrix Client-Server API, "Predefined Rules".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chatproto.canonical import JsonObject
from chatproto.rooms.push_rules import MASTER, PushRule, RuleSet

_SOUND = {"set_tweak": "sound", "value": "default"}
_RING = {"set_tweak": "sound", "value": "ring"}
_LOUD = {"set_tweak": "highlight"}
_QUIET = {"set_tweak": "highlight", "value": False}


def default_rules(user_id: str, counting: Iterable[str]) -> RuleSet:
    """The rules of a user who has changed none.

    `counting` are the event types that count as unread; those that Matrix has no rule
    for get one of their own.
    """
    return RuleSet(
        rules={
            "override": _override(user_id),
            "content": (),
            "room": (),
            "sender": (),
            "underride": _underride(counting),
        }
    )


def _override(user_id: str) -> tuple[PushRule, ...]:
    return (
        _rule(MASTER, enabled=False),
        _rule(".m.rule.suppress_notices", [_match("content.msgtype", "m.notice")]),
        _rule(
            ".m.rule.invite_for_me",
            [
                _match("type", "m.room.member"),
                _match("content.membership", "invite"),
                _match("state_key", user_id),
            ],
            ["notify", _SOUND],
        ),
        _rule(".m.rule.member_event", [_match("type", "m.room.member")]),
        _rule(
            ".m.rule.is_user_mention",
            [_contains("content.m\\.mentions.user_ids", user_id)],
            ["notify", _SOUND, _LOUD],
        ),
        _rule(
            ".m.rule.is_room_mention",
            [_is("content.m\\.mentions.room", value=True), _permission("room")],
            ["notify", _LOUD],
        ),
        _rule(
            ".m.rule.tombstone",
            [_match("type", "m.room.tombstone"), _match("state_key", "")],
            ["notify", _LOUD],
        ),
        _rule(".m.rule.reaction", [_match("type", "m.reaction")]),
        _rule(
            ".m.rule.room.server_acl",
            [_match("type", "m.room.server_acl"), _match("state_key", "")],
        ),
        _rule(
            ".m.rule.suppress_edits",
            [_is("content.m\\.relates_to.rel_type", value="m.replace")],
        ),
    )


def _underride(counting: Iterable[str]) -> tuple[PushRule, ...]:
    others = sorted(set(counting).difference(("m.room.message", "m.room.encrypted")))
    two = {"kind": "room_member_count", "is": "2"}
    return (
        _rule(
            ".m.rule.call",
            [_match("type", "m.call.invite")],
            ["notify", _RING, _QUIET],
        ),
        _rule(
            ".m.rule.encrypted_room_one_to_one",
            [two, _match("type", "m.room.encrypted")],
            ["notify", _SOUND, _QUIET],
        ),
        _rule(
            ".m.rule.room_one_to_one",
            [two, _match("type", "m.room.message")],
            ["notify", _SOUND, _QUIET],
        ),
        _rule(
            ".m.rule.message", [_match("type", "m.room.message")], ["notify", _QUIET]
        ),
        _rule(
            ".m.rule.encrypted",
            [_match("type", "m.room.encrypted")],
            ["notify", _QUIET],
        ),
        *(
            _rule(
                f".org.chatproto.rule.{kind}",
                [_is("type", value=kind)],
                ["notify", _QUIET],
            )
            for kind in others
        ),
    )


def _rule(
    rule_id: str,
    conditions: Iterable[JsonObject] = (),
    actions: Iterable[Any] = (),
    *,
    enabled: bool = True,
) -> PushRule:
    return PushRule(
        rule_id=rule_id,
        actions=tuple(actions),
        enabled=enabled,
        default=True,
        conditions=tuple(conditions),
    )


def _match(key: str, pattern: str) -> JsonObject:
    return {"kind": "event_match", "key": key, "pattern": pattern}


def _is(key: str, *, value: Any) -> JsonObject:
    return {"kind": "event_property_is", "key": key, "value": value}


def _contains(key: str, value: str) -> JsonObject:
    return {"kind": "event_property_contains", "key": key, "value": value}


def _permission(key: str) -> JsonObject:
    return {"kind": "sender_notification_permission", "key": key}
