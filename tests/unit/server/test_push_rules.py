from __future__ import annotations

import pytest

from chatproto.canonical import JsonObject
from chatproto.operations.push import (
    DeletePushRule,
    GetGlobalPushRules,
    GetPushRule,
    GetPushRuleActions,
    GetPushRuleEnabled,
    GetPushRules,
    SetPushRule,
    SetPushRuleActions,
    SetPushRuleEnabled,
)
from tests.unit.server.harness import json_of, refused

LOUD = ("notify", {"set_tweak": "highlight"})
MESSAGE = {"kind": "underride", "rule_id": ".m.rule.message"}
MASTER = {"kind": "override", "rule_id": ".m.rule.master"}
BY_THREAD = '{"room": {"timeline": {"unread_thread_notifications": true}}}'


async def told(person, room, since=None, **fields):
    body = await person.sync(since, **fields)
    return body.get("rooms", {}).get("join", {}).get(room, {})


async def counts(person, room, since=None) -> tuple[int, int]:
    found = (await told(person, room, since))["unread_notifications"]
    return found["notification_count"], found["highlight_count"]


async def push_rules(person, since=None) -> list[JsonObject]:
    body = await person.sync(since)
    events = body.get("account_data", {}).get("events", [])
    return [e["content"]["global"] for e in events if e["type"] == "m.push_rules"]


def word(text, actions=LOUD):
    return SetPushRule(kind="content", rule_id=text, pattern=text, actions=actions)


def quiet(room, kind="room"):
    condition = {"kind": "event_match", "key": "room_id", "pattern": room}
    conditions = (condition,) if kind == "override" else None
    return SetPushRule(kind=kind, rule_id=room, conditions=conditions, actions=())


async def test_rules_are_there_from_the_start(bob):
    rules = json_of(await bob.call(GetPushRules()))["global"]
    assert set(rules) == {"override", "content", "room", "sender", "underride"}
    assert rules["override"][0]["rule_id"] == ".m.rule.master"
    assert rules == json_of(await bob.call(GetGlobalPushRules()))
    assert [rules] == await push_rules(bob)


async def test_rule_is_kept_and_told(chat, bob):
    since = await bob.position()
    await bob.call(word("cake"))
    await bob.call(SetPushRuleEnabled(kind="content", rule_id="cake", enabled=False))
    await bob.call(SetPushRuleActions(kind="content", rule_id="cake", actions=()))
    rule = await bob.call(GetPushRule(kind="content", rule_id="cake"))
    expected = {
        "rule_id": "cake",
        "default": False,
        "enabled": False,
        "actions": [],
        "pattern": "cake",
    }
    assert json_of(rule) == expected
    where = {"kind": "content", "rule_id": "cake"}
    assert (await bob.call(GetPushRuleEnabled(**where))).enabled is False
    assert (await bob.call(GetPushRuleActions(**where))).actions == ()
    phone = await chat.person("bob")
    for rules in (*await push_rules(bob, since), *await push_rules(phone)):
        assert rules["content"] == [expected]
    await bob.call(DeletePushRule(**where))
    with refused("M_NOT_FOUND", 404):
        await bob.call(GetPushRule(**where))


async def test_replaced_rule_stays_disabled(bob):
    await bob.call(word("cake"))
    await bob.call(SetPushRuleEnabled(kind="content", rule_id="cake", enabled=False))
    await bob.call(word("cake", ()))
    rule = await bob.call(GetPushRule(kind="content", rule_id="cake"))
    assert (rule.enabled, rule.actions) == (False, ())


@pytest.mark.parametrize(
    ("call", "errcode"),
    [
        (SetPushRule(kind="global", rule_id="x", actions=()), "M_INVALID_PARAM"),
        (SetPushRule(kind="room", rule_id=".x", actions=()), "M_INVALID_PARAM"),
        (SetPushRule(kind="room", rule_id="a/b", actions=()), "M_INVALID_PARAM"),
        (SetPushRule(kind="room", rule_id="x" * 256, actions=()), "M_INVALID_PARAM"),
        (SetPushRule(kind="content", rule_id="x", actions=()), "M_INVALID_PARAM"),
        (SetPushRule(kind="room", rule_id="x", actions=(1,)), "M_INVALID_PARAM"),
        (
            SetPushRule(kind="override", rule_id="x", actions=(), conditions=({},)),
            "M_INVALID_PARAM",
        ),
        (
            SetPushRule(kind="room", rule_id="x", actions=(), before="none"),
            "M_INVALID_PARAM",
        ),
        (DeletePushRule(**MASTER), "M_INVALID_PARAM"),
        (DeletePushRule(kind="room", rule_id="none"), "M_NOT_FOUND"),
        (SetPushRuleEnabled(kind="room", rule_id="x", enabled=True), "M_NOT_FOUND"),
        (SetPushRuleActions(**MESSAGE, actions=({"x": 1},)), "M_INVALID_PARAM"),
        (
            SetPushRule(
                kind="override",
                rule_id="x",
                actions=(),
                conditions=({"kind": "x" * 300_000},),
            ),
            "M_LIMIT_EXCEEDED",
        ),
    ],
)
async def test_wrong_rule_is_refused(bob, call, errcode):
    with refused(errcode):
        await bob.call(call)


async def test_patterns_are_bounded(bob):
    await bob.call(word("?" * 255))
    with refused("M_INVALID_PARAM"):
        await bob.call(word("?" * 256))
    condition = {"kind": "event_match", "key": "content.body", "pattern": "a" * 256}
    rule = SetPushRule(
        kind="override", rule_id="own", conditions=(condition,), actions=LOUD
    )
    with refused("M_INVALID_PARAM"):
        await bob.call(rule)


async def test_patterns_together_are_bounded(bob):
    for number in range(15):
        await bob.call(word(f"{number:0>255}"))
    with refused("M_LIMIT_EXCEEDED"):
        for number in range(15, 20):
            await bob.call(word(f"{number:0>255}"))
    await bob.call(quiet("!a:example.org"))


async def test_rule_goes_before_another(bob):
    await bob.call(word("a"))
    before = SetPushRule(
        kind="content", rule_id="b", pattern="b", actions=(), after="a"
    )
    await bob.call(before)
    rules = (await bob.call(GetGlobalPushRules())).content
    assert [rule.rule_id for rule in rules] == ["a", "b"]


async def test_word_highlights(ann, bob, room):
    await bob.call(word("cake"))
    for text in ("no cakes", "a Cake!", "pie"):
        await ann.say(room, text)
    assert await counts(bob, room) == (3, 1)


async def test_word_may_be_silent(ann, bob, room):
    await bob.call(word("cake", ()))
    for text in ("a cake", "pie"):
        await ann.say(room, text)
    assert await counts(bob, room) == (1, 0)


async def test_room_of_which_only_mentions_count(ann, bob, room):
    await bob.call(quiet(room))
    await ann.say(room, "text")
    await ann.say(room, "bob", **{"m.mentions": {"user_ids": [bob.id]}})
    assert await counts(bob, room) == (1, 1)


@pytest.mark.parametrize("by", ["room", "master"])
async def test_muted_room_counts_nothing(ann, bob, room, by):
    await ann.say(room, "bob", **{"m.mentions": {"user_ids": [bob.id]}})
    if by == "room":
        await bob.call(quiet(room, "override"))
    else:
        await bob.call(SetPushRuleEnabled(**MASTER, enabled=True))
    assert await counts(bob, room) == (0, 0)
    raw = (await told(bob, room))["org.chatproto.room"]
    assert (raw["notification_count"], raw["highlight_count"]) == (1, 1)


async def test_counts_are_told_anew_after_a_change(chat, ann, bob, cat):
    room = await chat.room_of(ann, bob, cat)
    await ann.say(room, "text")
    since = await bob.position()
    await bob.call(SetPushRuleEnabled(**MESSAGE, enabled=False))
    section = await told(bob, room, since)
    assert section["org.chatproto.room"]["recounted"] is True
    assert section["unread_notifications"]["notification_count"] == 0
    await bob.call(SetPushRuleEnabled(**MESSAGE, enabled=True))
    assert await counts(bob, room, since) == (1, 0)


async def test_notices_count_for_who_wants_them(ann, bob, room):
    await ann.send(room, {"msgtype": "m.notice", "body": "built"})
    assert await counts(bob, room) == (0, 0)
    rule = {"kind": "override", "rule_id": ".m.rule.suppress_notices"}
    await bob.call(SetPushRuleEnabled(**rule, enabled=False))
    assert await counts(bob, room) == (1, 0)


async def test_rules_are_of_one_user(ann, bob, cat, chat):
    room = await chat.room_of(ann, bob, cat)
    await bob.call(quiet(room))
    await ann.say(room)
    assert await counts(bob, room) == (0, 0)
    assert await counts(cat, room) == (1, 0)


async def test_more_than_can_be_judged(ann, bob, room, monkeypatch):
    monkeypatch.setattr("chatproto.server.unread.MAX_JUDGED", 2)
    for text in ("cake", "pie", "cake", "pie"):
        await ann.say(room, text)
    await bob.call(word("cake", ()))
    # The two newest are judged by Bob's rules, those before by everybody's.
    assert await counts(bob, room) == (3, 0)


def in_thread(root):
    return {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}


@pytest.mark.parametrize("own_rules", [False, True])
async def test_threads_are_counted_apart(ann, bob, room, own_rules):
    if own_rules:
        await bob.call(word("never said"))
    root = await ann.say(room, "root")
    answer = await ann.say(room, "in it", **in_thread(root))
    mention = {"m.mentions": {"user_ids": [bob.id]}, **in_thread(root)}
    await ann.say(room, "bob", **mention)

    async def unread():
        section = await told(bob, room, filter=BY_THREAD)
        main = section["unread_notifications"]["notification_count"]
        return main, section["unread_thread_notifications"]

    assert await counts(bob, room) == (3, 1)
    both = {"notification_count": 2, "highlight_count": 1}
    assert await unread() == (1, {root: both})
    await bob.read(room, answer, thread=root)
    one = {"notification_count": 1, "highlight_count": 1}
    assert await unread() == (1, {root: one})
    await bob.read(room, root, thread="main")
    assert await unread() == (0, {root: one})
    last = await ann.say(room, "last")
    await bob.read(room, last)
    assert await unread() == (0, {})
