from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.rooms.push_conditions import MAX_PATTERN, Seen, found_in, holds, matches

SEEN = Seen(
    display_name="Anna B",
    joined_count=3,
    may_notify=lambda sender, key: (sender, key) == ("@anna:example.org", "room"),
)
EVENT = {
    "type": "m.room.message",
    "sender": "@anna:example.org",
    "room_id": "!r:example.org",
    "content": {
        "body": "Кот сидит: на ОКНЕ",
        "msgtype": "m.text",
        "org.example.n": 1,
        "m.mentions": {"user_ids": ["@boris:example.org"], "room": True},
    },
}


@pytest.mark.parametrize(
    ("text", "pattern", "found"),
    [
        ("the cake is a lie", "cake", True),
        ("the cakes are lies", "cake", False),
        ("cake", "cake", True),
        ("CAKE!", "cake", True),
        ("котлета", "кот", False),
        ("Кот, сидит", "кот", True),
        ("the cakes are lies", "cake*lie*", True),
        ("the cakes are lies", "cake*lie", False),
        ("a lie about a cake", "cake*lie", False),
        ("a cat", "c?t", True),
        ("a cart", "c?t", False),
        ("a.b", "a.b", True),
        ("aXb", "a.b", False),
        ("", "*", True),
        ("line\nbreak here", "line*here", True),
    ],
)
def test_word_pattern(text, pattern, found):
    assert found_in(text, pattern) is found


@pytest.mark.parametrize(
    ("text", "pattern", "matched"),
    [
        ("m.room.message", "m.room.message", True),
        ("m.room.message", "m.room.*", True),
        ("m.room.message", "m.room", False),
        ("m.room.message", "*message", True),
        ("M.ROOM.MESSAGE", "m.room.m*e", True),
        ("", "", True),
        ("x", "", False),
        ("aab", "a*ab", True),
        ("abab", "*ab", True),
        ("abc", "a*d*c", False),
    ],
)
def test_whole_pattern(text, pattern, matched):
    assert matches(text, pattern) is matched


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ({"kind": "event_match", "key": "type", "pattern": "m.room.*"}, True),
        ({"kind": "event_match", "key": "content.body", "pattern": "окне"}, True),
        ({"kind": "event_match", "key": "content.body", "pattern": "окн"}, False),
        (
            {"kind": "event_match", "key": "content.org\\.example\\.n", "pattern": "1"},
            False,
        ),
        ({"kind": "event_match", "key": "content.none", "pattern": "*"}, False),
        ({"kind": "event_match", "key": "type"}, False),
        (
            {
                "kind": "event_property_is",
                "key": "content.org\\.example\\.n",
                "value": 1,
            },
            True,
        ),
        (
            {
                "kind": "event_property_is",
                "key": "content.org\\.example\\.n",
                "value": True,
            },
            False,
        ),
        (
            {
                "kind": "event_property_contains",
                "key": "content.m\\.mentions.user_ids",
                "value": "@boris:example.org",
            },
            True,
        ),
        (
            {"kind": "event_property_contains", "key": "content.body", "value": "Кот"},
            False,
        ),
        ({"kind": "room_member_count", "is": "3"}, True),
        ({"kind": "room_member_count", "is": "==2"}, False),
        ({"kind": "room_member_count", "is": ">2"}, True),
        ({"kind": "room_member_count", "is": "<=2"}, False),
        ({"kind": "room_member_count", "is": "many"}, False),
        ({"kind": "room_member_count"}, False),
        ({"kind": "sender_notification_permission", "key": "room"}, True),
        ({"kind": "sender_notification_permission", "key": "other"}, False),
        ({"kind": "contains_display_name"}, False),
        ({"kind": "org.example.unknown"}, False),
        ({}, False),
    ],
)
def test_condition(condition, held):
    assert holds(condition, EVENT, SEEN) is held


def test_display_name_in_the_text():
    event = {**EVENT, "content": {"body": "hello, anna b!"}}
    assert holds({"kind": "contains_display_name"}, event, SEEN)


@given(st.text(max_size=50), st.text(max_size=20))
def test_any_pattern_is_answered(text, pattern):
    assert found_in(text, pattern) in (True, False)
    assert matches(text, "*" + pattern + "*") == _contains(text, pattern)


def _contains(text, pattern):
    return any(matches(text[start:], pattern + "*") for start in range(len(text) + 1))


@pytest.mark.parametrize("glob", [found_in, matches])
def test_endless_pattern_matches_nothing(glob):
    assert glob("?" * MAX_PATTERN, "?" * MAX_PATTERN)
    assert not glob("?" * 60_000, "?" * 60_000)


def test_costly_pattern_takes_no_time():
    started = time.perf_counter()
    assert not found_in("a" * 60_000, "*a" * 127 + "b")
    assert not found_in("!" * 60_000, "!" * 254 + "b")
    assert time.perf_counter() - started < 1
