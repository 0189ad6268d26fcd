from __future__ import annotations

import pytest

from chatproto.events.relations import Relation, mentions_of, relation_of


@pytest.mark.parametrize(
    ("relates", "relation"),
    [
        (
            {"rel_type": "m.replace", "event_id": "$a"},
            Relation(rel_type="m.replace", event_id="$a"),
        ),
        ({"m.in_reply_to": {"event_id": "$a"}}, Relation(in_reply_to="$a")),
        (
            {"rel_type": "m.annotation", "event_id": "$a", "key": "👍"},
            Relation(rel_type="m.annotation", event_id="$a", key="👍"),
        ),
        (
            {
                "rel_type": "m.thread",
                "event_id": "$a",
                "is_falling_back": True,
                "m.in_reply_to": {"event_id": "$b"},
            },
            Relation(
                rel_type="m.thread",
                event_id="$a",
                in_reply_to="$b",
                is_falling_back=True,
            ),
        ),
        ({"rel_type": "m.thread", "event_id": 5}, Relation(rel_type="m.thread")),
        ({"rel_type": 5, "m.in_reply_to": "$a"}, None),
        ({"event_id": "$a"}, None),
        ({}, None),
        ("m.replace", None),
        (None, None),
    ],
    ids=[
        "edit",
        "reply",
        "reaction",
        "thread",
        "no-target",
        "wrong-types",
        "no-type",
        "empty",
        "text",
        "null",
    ],
)
def test_relation_as_far_as_well_formed(relates, relation):
    assert relation_of({"m.relates_to": relates}) == relation


def test_content_without_relation():
    assert relation_of({"body": "hello"}) is None


@pytest.mark.parametrize(
    ("mentions", "expected"),
    [
        ({"user_ids": ["@a:b", "@c:d", "@a:b"]}, (("@a:b", "@c:d"), False)),
        ({"room": True}, ((), True)),
        ({"room": 1, "user_ids": "@a:b"}, ((), False)),
        ({"user_ids": [1, None, "@a:b"]}, (("@a:b",), False)),
        ([], ((), False)),
        (None, ((), False)),
    ],
    ids=["users-once", "room", "wrong-types", "mixed", "list", "null"],
)
def test_mentions_as_far_as_well_formed(mentions, expected):
    assert mentions_of({"m.mentions": mentions}) == expected
