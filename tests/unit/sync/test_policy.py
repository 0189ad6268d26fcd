from __future__ import annotations

from typing import Any

import pytest

from chatproto.events.declare import EventKind, EventType
from chatproto.events.room_message import EVENTS
from chatproto.sync.policy import DEFAULT_POLICY, Policy, may_call_room, mentions

EDIT = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$t"}}
ANSWER = {"m.relates_to": {"rel_type": "m.thread", "event_id": "$t"}}


@pytest.mark.parametrize(
    ("event", "lifts", "counts"),
    [
        ({"type": "m.room.message", "content": {}}, True, True),
        ({"type": "m.sticker", "content": {}}, True, True),
        ({"type": "m.room.encrypted", "content": ANSWER}, True, True),
        ({"type": "m.room.message", "content": {"msgtype": "m.notice"}}, True, False),
        ({"type": "m.room.message", "content": EDIT}, False, False),
        ({"type": "m.room.encrypted", "content": EDIT}, False, False),
        ({"type": "m.reaction", "content": {}}, False, False),
        ({"type": "m.room.message", "content": {}, "state_key": ""}, False, False),
        (
            {"type": "m.room.message", "unsigned": {"redacted_because": {}}},
            False,
            False,
        ),
    ],
    ids=[
        "message",
        "sticker",
        "thread",
        "notice",
        "edit",
        "encrypted-edit",
        "reaction",
        "state",
        "redacted",
    ],
)
def test_event_lifts_and_counts(
    event: dict[str, Any], lifts: bool, counts: bool
) -> None:
    assert DEFAULT_POLICY.lifts(event) is lifts
    assert DEFAULT_POLICY.counts(event) is counts


def test_default_is_what_is_declared() -> None:
    assert Policy.of(EVENTS) == DEFAULT_POLICY


def test_module_types_are_added() -> None:
    poll = EventType("org.example.poll", EventKind.MESSAGE, dict, bumps=True)
    policy = Policy.of((*EVENTS, poll))
    event = {"type": "org.example.poll", "content": {}}
    assert policy.lifts(event)
    assert not policy.counts(event)


@pytest.mark.parametrize(
    ("mentioned", "heard", "meant"),
    [
        ({"user_ids": ["@a:x", "@me:x"]}, False, True),
        ({"user_ids": ["@a:x"]}, True, False),
        ({"user_ids": "@me:x"}, True, False),
        ({"room": True}, True, True),
        ({"room": True}, False, False),
        ({"room": "yes"}, True, False),
    ],
)
def test_mention_means_the_user(
    mentioned: dict[str, Any], heard: bool, meant: bool
) -> None:
    assert mentions(mentioned, "@me:x", may_call_room=heard) is meant


@pytest.mark.parametrize(
    ("levels", "may"),
    [
        (None, False),
        ({}, False),
        ({"users": {"@a:x": 50}}, True),
        ({"users_default": 50}, True),
        ({"users": {"@a:x": 49}, "users_default": 100}, False),
        ({"notifications": {"room": 0}}, True),
        ({"users": {"@a:x": 99}, "notifications": {"room": 100}}, False),
        ({"users": {"@a:x": "99"}}, False),
    ],
)
def test_level_to_mention_the_room(levels: dict[str, Any] | None, may: bool) -> None:
    assert may_call_room(levels, "@creator:x", "@a:x") is may


def test_creator_may_mention_a_room_without_levels() -> None:
    assert may_call_room(None, "@a:x", "@a:x")
