from __future__ import annotations

import pytest

from chatproto.canonical import dumps
from chatproto.errors import MatrixError
from chatproto.server.filters import ALL, parse_filter, parse_types

EVENT = {
    "type": "m.room.message",
    "sender": "@a:x",
    "content": {"body": "b", "url": "mxc://x/y"},
}


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        ({}, True),
        ({"types": ["m.room.message"]}, True),
        ({"types": ["m.room.*"]}, True),
        ({"types": ["m.room.?essage"]}, False),
        ({"types": []}, False),
        ({"not_types": ["m.*"]}, False),
        ({"types": ["m.room.message"], "not_types": ["m.room.message"]}, False),
        ({"senders": ["@a:x"]}, True),
        ({"senders": []}, False),
        ({"not_senders": ["@a:x"]}, False),
        ({"contains_url": True}, True),
        ({"contains_url": False}, False),
    ],
)
def test_event_passes(wanted, passes):
    assert parse_types(wanted).passes(EVENT) is passes


def test_no_wish_is_no_filter():
    assert parse_types({"lazy_load_members": True}) is ALL


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        ({"related_by_rel_types": ["m.thread"]}, True),
        ({"related_by_rel_types": ["m.replace"]}, False),
        ({"related_by_senders": ["@b:x"]}, True),
        ({"related_by_rel_types": ["m.thread"], "related_by_senders": ["@c:x"]}, False),
    ],
)
def test_relation_passes(wanted, passes):
    found = parse_types(wanted)
    assert found.by_relation
    relating = [("m.thread", "@b:x"), ("m.annotation", "@c:x")]
    assert found.passes_relations(relating) is passes
    assert not found.passes_relations([])


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        (["type"], {"type": "m.room.message"}),
        (["content.body"], {"content": {"body": "b"}}),
        (["content.body", "sender"], {"content": {"body": "b"}, "sender": "@a:x"}),
        (["content.none", "none"], {"content": {}}),
        (["type.body"], {}),
        (["content\\.body"], {}),
        ([""], {}),
    ],
)
def test_event_is_trimmed(fields, kept):
    want = parse_filter({"event_fields": fields}, state_after=False, full_state=False)
    assert want.trimmed(EVENT) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        {"room": []},
        {"room": {"timeline": {"limit": "many"}}},
        {"room": {"timeline": {"limit": -1}}},
        {"room": {"timeline": {"contains_url": 1}}},
        {"room": {"rooms": "!a:x"}},
        {"presence": {"types": [1]}},
        {"event_fields": "type"},
    ],
    ids=dumps,
)
def test_filter_is_refused(wrong):
    with pytest.raises(MatrixError) as caught:
        parse_filter(wrong, state_after=False, full_state=False)
    assert caught.value.errcode == "M_BAD_JSON"
