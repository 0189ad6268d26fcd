from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chatproto.rooms.default_push_rules import default_rules
from chatproto.rooms.push_conditions import Seen
from chatproto.rooms.push_rules import KINDS, PushRule, RuleSet

ME, OTHER = "@me:example.org", "@other:example.org"
ROOM = "!r:example.org"
COUNTING = ("m.room.message", "m.room.encrypted", "m.sticker")
DEFAULTS = default_rules(ME, COUNTING)


def seen(*, count=3, may_notify=True):
    return Seen(display_name="Me", joined_count=count, may_notify=lambda *_: may_notify)


def event(kind="m.room.message", content=None, **more):
    content = {"msgtype": "m.text", "body": "text"} if content is None else content
    return {"type": kind, "sender": OTHER, "room_id": ROOM, "content": content, **more}


def mention(**content):
    return event(content={"msgtype": "m.text", "body": "x", "m.mentions": content})


def own(rule_id, actions=(), **more):
    return PushRule(
        rule_id=rule_id, actions=tuple(actions), enabled=True, default=False, **more
    )


EDIT = event(
    content={
        "msgtype": "m.text",
        "body": "* text",
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$e"},
    }
)


@pytest.mark.parametrize(
    ("said", "around", "rule_id", "does"),
    [
        (event(), seen(), ".m.rule.message", (True, False, None)),
        (event(), seen(count=2), ".m.rule.room_one_to_one", (True, False, "default")),
        (
            event("m.room.encrypted", {}),
            seen(),
            ".m.rule.encrypted",
            (True, False, None),
        ),
        (
            event("m.room.encrypted", {}),
            seen(count=2),
            ".m.rule.encrypted_room_one_to_one",
            (True, False, "default"),
        ),
        (
            mention(user_ids=[ME]),
            seen(),
            ".m.rule.is_user_mention",
            (True, True, "default"),
        ),
        (mention(user_ids=[OTHER]), seen(), ".m.rule.message", (True, False, None)),
        (mention(room=True), seen(), ".m.rule.is_room_mention", (True, True, None)),
        (
            mention(room=True),
            seen(may_notify=False),
            ".m.rule.message",
            (True, False, None),
        ),
        (
            event(content={"msgtype": "m.notice", "body": "x"}),
            seen(),
            ".m.rule.suppress_notices",
            (False, False, None),
        ),
        (EDIT, seen(), ".m.rule.suppress_edits", (False, False, None)),
        (event("m.reaction", {}), seen(), ".m.rule.reaction", (False, False, None)),
        (
            event("m.sticker", {}),
            seen(),
            ".org.chatproto.rule.m.sticker",
            (True, False, None),
        ),
        (
            event("m.room.member", {"membership": "invite"}, state_key=ME),
            seen(),
            ".m.rule.invite_for_me",
            (True, False, "default"),
        ),
        (
            event("m.room.member", {"membership": "join"}, state_key=ME),
            seen(),
            ".m.rule.member_event",
            (False, False, None),
        ),
        (
            event("m.room.tombstone", {}, state_key=""),
            seen(),
            ".m.rule.tombstone",
            (True, True, None),
        ),
        (
            event("m.call.invite", {}),
            seen(),
            ".m.rule.call",
            (True, False, "ring"),
        ),
    ],
)
def test_default_rules(said, around, rule_id, does):
    rule = DEFAULTS.match(said, around)
    assert rule is not None
    assert rule.rule_id == rule_id
    assert (rule.notifies, rule.highlights, rule.sound) == does


def test_unknown_type_has_no_rule():
    assert DEFAULTS.match(event("org.example.x", {}), seen()) is None


@pytest.mark.parametrize(
    ("kind", "rule", "about"),
    [
        ("content", own("word", pattern="text"), event()),
        ("room", own(ROOM), event()),
        ("sender", own(OTHER), event()),
        ("override", own("all", conditions=()), event()),
    ],
)
def test_own_rule_comes_before_the_defaults(kind, rule, about):
    rules = DEFAULTS.placed(kind, rule)
    assert rules.match(about, seen()) == rule
    off = rules.replaced(kind, evolve(rule, enabled=False))
    assert off.match(about, seen()).rule_id == ".m.rule.message"


def test_master_comes_before_everything():
    rules = DEFAULTS.placed("override", own("all", ["notify"], conditions=()))
    master = rules.find("override", ".m.rule.master")
    rules = rules.replaced("override", evolve(master, enabled=True))
    assert rules.match(event(), seen()).rule_id == ".m.rule.master"
    assert rules.mutes(ROOM)


def silence(room_id, **more):
    condition = {"kind": "event_match", "key": "room_id", "pattern": room_id}
    return own(room_id, conditions=(condition,), **more)


def test_silenced_room_is_muted_and_counts_as_before():
    rules = DEFAULTS.placed("override", silence(ROOM))
    assert rules.mutes(ROOM)
    assert not rules.mutes("!other:example.org")
    assert rules.counts_like(DEFAULTS)
    assert not DEFAULTS.mutes(ROOM)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("content", own("word", ["notify"], pattern="text")),
        ("room", own(ROOM)),
        ("underride", own("x", conditions=())),
    ],
)
def test_other_rules_count_differently(kind, rule):
    rules = DEFAULTS.placed(kind, rule)
    assert not rules.counts_like(DEFAULTS)
    assert rules.replaced(kind, evolve(rule, enabled=False)).counts_like(DEFAULTS)


def test_sound_makes_no_difference_to_counts():
    rule = DEFAULTS.find("underride", ".m.rule.message")
    loud = evolve(rule, actions=(*rule.actions, {"set_tweak": "sound", "value": "x"}))
    assert DEFAULTS.replaced("underride", loud).counts_like(DEFAULTS)


def ids(rules, kind="content"):
    return [rule.rule_id for rule in rules.of_kind(kind)]


def test_rules_are_placed():
    rules = DEFAULTS
    for name in ("a", "b"):
        rules = rules.placed("content", own(name, pattern=name))
    assert ids(rules) == ["b", "a"]
    assert ids(rules.placed("content", own("c", pattern="c"), after="b")) == [
        "b",
        "c",
        "a",
    ]
    moved = rules.placed("content", own("a", pattern="new"), before="b")
    assert ids(moved) == ["a", "b"]
    stays = rules.placed("content", own("a", pattern="new"))
    assert ids(stays) == ["b", "a"]
    with pytest.raises(KeyError):
        rules.placed("content", own("c", pattern="c"), before="none")


def test_defaults_cannot_be_placed_around():
    with pytest.raises(KeyError):
        DEFAULTS.placed("override", own("x"), before=".m.rule.reaction")


def test_stored_rules_meet_newer_defaults():
    message = DEFAULTS.find("underride", ".m.rule.message")
    stored = DEFAULTS.placed("content", own("word", pattern="w")).replaced(
        "underride", evolve(message, enabled=False)
    )
    newer = default_rules(ME, (*COUNTING, "org.example.poll"))
    merged = RuleSet.from_json(stored.to_json()).over(newer)
    assert ids(merged, "underride") == ids(newer, "underride")
    assert not merged.find("underride", ".m.rule.message").enabled
    assert merged.find("content", "word") is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["rule_id", "actions", "conditions", "pattern", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(KINDS), JSON))
def test_anything_is_read_as_rules(json):
    rules = RuleSet.from_json(json).over(DEFAULTS)
    assert RuleSet.from_json(rules.to_json()) == rules
    rules.match(event(), seen())
    rules.mutes(ROOM)
    for kind in KINDS:
        kept = [r.rule_id for r in rules.of_kind(kind) if r.default]
        assert kept == [r.rule_id for r in DEFAULTS.of_kind(kind)]


def test_every_default_has_a_name_of_its_own():
    names = [r.rule_id for kind in KINDS for r in DEFAULTS.of_kind(kind)]
    assert len(names) == len(set(names))
