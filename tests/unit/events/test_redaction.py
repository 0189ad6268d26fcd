from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.errors import MatrixError
from chatproto.events.redaction import RULES_V10, RULES_V11, redact
from chatproto.signing import (
    SigningKey,
    content_hash,
    reference_hash,
    sign_json,
    verify_json,
)

KEY = SigningKey.generate("a1", bytes(range(32)))
LEVELS = dict.fromkeys(
    (
        "ban",
        "events",
        "events_default",
        "kick",
        "redact",
        "state_default",
        "users",
        "users_default",
    ),
    1,
)
SIGNED = {"mxid": "@a:b", "token": "t"}

KEPT = [
    (
        "m.room.member",
        {
            "membership": "join",
            "join_authorised_via_users_server": "@a:b",
            "displayname": "Ann",
            "third_party_invite": {"signed": SIGNED, "display_name": "x"},
        },
        {"membership": "join", "join_authorised_via_users_server": "@a:b"},
        {
            "membership": "join",
            "join_authorised_via_users_server": "@a:b",
            "third_party_invite": {"signed": SIGNED},
        },
    ),
    (
        "m.room.member",
        {"membership": "join", "third_party_invite": "junk"},
        {"membership": "join"},
        {"membership": "join"},
    ),
    (
        "m.room.create",
        {"creator": "@a:b", "room_version": "x", "m.federate": False},
        {"creator": "@a:b"},
        {"creator": "@a:b", "room_version": "x", "m.federate": False},
    ),
    (
        "m.room.join_rules",
        {"join_rule": "restricted", "allow": [], "more": 1},
        {"join_rule": "restricted", "allow": []},
        {"join_rule": "restricted", "allow": []},
    ),
    (
        "m.room.power_levels",
        {**LEVELS, "invite": 1, "notifications": {"room": 1}},
        LEVELS,
        {**LEVELS, "invite": 1},
    ),
    (
        "m.room.history_visibility",
        {"history_visibility": "joined", "more": 1},
        {"history_visibility": "joined"},
        {"history_visibility": "joined"},
    ),
    ("m.room.redaction", {"redacts": "$a", "reason": "x"}, {}, {"redacts": "$a"}),
    ("m.room.aliases", {"aliases": ["#a:b"]}, {}, {}),
    ("m.room.message", {"msgtype": "m.text", "body": "x"}, {}, {}),
    ("m.room.name", {"name": "x"}, {}, {}),
]


@pytest.mark.parametrize(("event_type", "content", "v10", "v11"), KEPT)
def test_what_is_kept_of_a_content(event_type, content, v10, v11):
    event = {"type": event_type, "content": content}
    assert redact(event, RULES_V10)["content"] == v10
    assert redact(event, RULES_V11)["content"] == v11


COMMON = {
    "type": "m.x",
    "content": {},
    "event_id": "$a",
    "room_id": "!a:b",
    "sender": "@a:b",
    "state_key": "",
    "hashes": {},
    "signatures": {},
    "depth": 1,
    "prev_events": [],
    "auth_events": [],
    "origin_server_ts": 1,
}
ONLY_V10 = {"prev_state": [], "origin": "b", "membership": "join"}
NEVER = {"unsigned": {}, "redacts": "$a", "age": 1, "org.example.more": 1}


def test_what_is_kept_at_the_top():
    event = {**COMMON, **ONLY_V10, **NEVER}
    assert redact(event, RULES_V11) == COMMON
    assert redact(event, RULES_V10) == {**COMMON, **ONLY_V10}


def test_original_is_left_alone():
    event = {"type": "m.room.create", "content": {"a": 1}}
    redact(event, RULES_V11)["content"]["b"] = 2
    assert event == {"type": "m.room.create", "content": {"a": 1}}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "m.x"},
        {"content": {}},
        {"type": [], "content": {}},
        {"type": "m.x", "content": []},
        {"type": "m.x", "content": None},
    ],
    ids=str,
)
def test_what_is_no_event_is_refused(event):
    with pytest.raises(MatrixError) as caught:
        redact(event, RULES_V11)
    assert caught.value.errcode == "M_BAD_JSON"


values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["signed", "a", "b"]), inner, max_size=3)
    ),
    max_leaves=6,
)
contents = st.dictionaries(
    st.sampled_from(sorted({key for row in KEPT for key in row[1]})),
    values,
    max_size=6,
)
events = st.builds(
    lambda event_type, content, more, state: {
        **COMMON,
        "type": event_type,
        "content": content,
        **more,
        **state,
    },
    st.sampled_from(sorted({row[0] for row in KEPT})),
    contents,
    st.dictionaries(st.sampled_from(sorted({*ONLY_V10, *NEVER})), values, max_size=4),
    st.sampled_from([{}, {"state_key": "@a:b"}]),
)


def signed(event, rules):
    hashed = {**event, "hashes": {"sha256": content_hash(event)}}
    redacted = redact(hashed, rules)
    return {**hashed, "signatures": sign_json(redacted, "b", KEY)["signatures"]}


@given(events, st.sampled_from([RULES_V10, RULES_V11]))
def test_redaction_keeps_identity_and_signatures(event, rules):
    event = signed(event, rules)
    once = redact(event, rules)
    assert redact(once, rules) == once
    assert reference_hash(once) == reference_hash(
        redact({**once, "unsigned": {}}, rules)
    )
    verify_json(once, "b", KEY.key_id, KEY.verify_key_base64)
    # Whatever redaction drops may be changed without a trace in ID and signature ...
    changed = {**event, "org.example.more": "changed"}
    assert redact(changed, rules) == once
    # ... and whatever it keeps may not.
    other = {**event, "depth": 2}
    assert reference_hash(redact(other, rules)) != reference_hash(once)
    with pytest.raises(MatrixError):
        verify_json(redact(other, rules), "b", KEY.key_id, KEY.verify_key_base64)
