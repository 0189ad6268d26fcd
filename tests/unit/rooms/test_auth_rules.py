"""Each authorization rule with what it lets through and what it refuses.

The numbers are those of `rooms/auth_rules.py`: the rules of the specification
(content/rooms/v11.md, "Authorization rules"), with a letter for a step within one.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.rooms.auth_rules import (
    RULES,
    Denied,
    check,
    check_auth_events,
    select_auth_events,
)
from chatproto.rooms.member_rules import MAX_SIGNATURE_CHECKS
from chatproto.rooms.version import V10, V11
from chatproto.signing import SigningKey, sign_json

ANN, MAX, BOB, EVE, KIT, DAN, NEW = (
    f"@{name}:hub.example" for name in ("ann", "max", "bob", "eve", "kit", "dan", "new")
)
FAR = "@far:other.example"
KEY = SigningKey.generate("a1", bytes(range(32)))
OTHER_KEY = SigningKey.generate("a2", bytes(32))


def member(sender, membership, target=None, **more):
    content = {"membership": membership, **more}
    return ("m.room.member", sender, content, sender if target is None else target)


def levels(sender, **content):
    return ("m.room.power_levels", sender, content, "")


def text(sender):
    return ("m.room.message", sender, {"msgtype": "m.text", "body": "x"})


def create(sender=ANN, **content):
    return ("m.room.create", sender, content, "")


def third_party(sender=BOB, target=NEW, mxid=NEW, key=KEY, **signed):
    signed = sign_json({"mxid": mxid, "token": "tok", **signed}, "id.example", key)
    invite = {"display_name": "x", "signed": signed}
    return member(sender, "invite", target, third_party_invite=invite)


def invited_by_bob(scene, sender=BOB, **content):
    content = content or {"public_key": KEY.verify_key_base64}
    scene.set("m.room.third_party_invite", content, "tok", sender)


def rule(name, **more):
    def change(scene):
        scene.join_rule(name)
        if more:
            scene.levels(**more)

    return change


def with_levels(**content):
    return lambda scene: scene.levels(**content)


def without(event_type):
    return lambda scene: scene.clear(event_type)


def empty(scene):
    for pdu in scene.state.events():
        scene.clear(pdu.type, pdu.state_key)


def closed(scene):
    scene.set("m.room.create", {"room_version": "11", "m.federate": False})
    scene.set("m.room.member", {"membership": "join"}, FAR, FAR)


def members(**given):
    def change(scene):
        for name, membership in given.items():
            scene.member(name, membership)

    return change


def same(scene):
    pass


FIRST = {"prev_events": []}
AFTER_CREATE = {"prev_events": ["$m.room.create|"]}
VERIFIED = {"join_authorised_via_users_server": MAX}
USERS = {ANN: 100, MAX: 50}

# Steps of one rule that are refused in one place, by the number given there.
EQUIVALENT = {
    ("4.3a", "m.room.member", "4.3d"): "4.3d",
    ("4.3f", "m.room.member", "4.3d"): "4.3d",
    ("9.4", "m.room.power_levels", "9.9"): "9.9",
}

# rule, whether it refuses, situation, change of the scene, event, more of the event
ROWS = [
    ("1", False, "create", empty, create(room_version="11"), FIRST),
    ("1", False, "create-without-version", empty, create(), FIRST),
    ("1.1", True, "create-after-another", empty, create(), {}),
    ("1.1", True, "second-create", same, create(), FIRST),
    ("1.2", True, "create-by-another-server", empty, create(FAR), FIRST),
    ("1.3", True, "unknown-version", empty, create(room_version="0"), FIRST),
    ("1.3", True, "version-is-a-list", empty, create(room_version=[]), FIRST),
    ("1.3", True, "version-is-null", empty, create(room_version=None), FIRST),
    ("2.4", True, "no-create", without("m.room.create"), text(ANN), {}),
    ("3", False, "foreign-sender-in-open-room", members(), text(BOB), {}),
    ("3", False, "own-sender-in-closed-room", closed, text(BOB), {}),
    ("3", True, "foreign-sender-in-closed-room", closed, text(FAR), {}),
    ("4.1", True, "no-state-key", same, member(BOB, "join")[:3], {}),
    ("4.1", True, "no-membership", same, ("m.room.member", BOB, {}, BOB), {}),
    ("4.1", True, "membership-is-a-list", same, member(BOB, []), {}),
    ("4.2", False, "signed", rule("restricted"), member(NEW, "join", **VERIFIED), {}),
    (
        "4.2",
        True,
        "not-signed",
        rule("restricted"),
        member(NEW, "join", join_authorised_via_users_server=FAR),
        {},
    ),
    (
        "4.2",
        True,
        "authorizer-is-a-number",
        rule("restricted"),
        member(NEW, "join", join_authorised_via_users_server=5),
        {},
    ),
    ("4.3a", False, "creator", members(ann="leave"), member(ANN, "join"), AFTER_CREATE),
    ("4.3a", True, "creator-later", members(ann="leave"), member(ANN, "join"), {}),
    ("4.3a", True, "another", same, member(NEW, "join"), AFTER_CREATE),
    ("4.3b", False, "oneself", rule("public"), member(NEW, "join"), {}),
    ("4.3b", True, "for-another", rule("public"), member(ANN, "join", NEW), {}),
    (
        "4.3c",
        False,
        "left-before",
        rule("public", users=USERS),
        member(NEW, "join"),
        {},
    ),
    ("4.3c", True, "banned", rule("public"), member(DAN, "join"), {}),
    ("4.3d", False, "invited", same, member(EVE, "join"), {}),
    ("4.3d", False, "joined-changes-name", same, member(BOB, "join"), {}),
    ("4.3d", False, "invited-to-knock-room", rule("knock"), member(EVE, "join"), {}),
    ("4.3d", False, "no-rule", without("m.room.join_rules"), member(EVE, "join"), {}),
    ("4.3d", True, "not-invited", same, member(NEW, "join"), {}),
    ("4.3d", True, "no-rule", without("m.room.join_rules"), member(NEW, "join"), {}),
    ("4.3d", True, "only-knocked", rule("knock"), member(KIT, "join"), {}),
    ("4.3e", False, "invited", rule("restricted"), member(EVE, "join"), {}),
    ("4.3e", False, "knock", rule("knock_restricted"), member(EVE, "join"), {}),
    (
        "4.3e",
        False,
        "authorized",
        rule("knock_restricted"),
        member(NEW, "join", **VERIFIED),
        {},
    ),
    ("4.3e", True, "nobody-authorizes", rule("restricted"), member(NEW, "join"), {}),
    (
        "4.3e",
        True,
        "authorizer-has-left",
        rule("restricted"),
        member(NEW, "join", join_authorised_via_users_server=NEW),
        {},
    ),
    (
        "4.3e",
        True,
        "authorizer-may-not-invite",
        rule("restricted", invite=60, users=USERS),
        member(NEW, "join", **VERIFIED),
        {},
    ),
    ("4.3f", False, "public", rule("public"), member(NEW, "join"), {}),
    ("4.3f", True, "not-public", rule("invite"), member(NEW, "join"), {}),
    ("4.3g", False, "known-rule", rule("public"), member(NEW, "join"), {}),
    ("4.3g", True, "unknown-rule", rule("private"), member(NEW, "join"), {}),
    ("4.3g", True, "unknown-rule-invited", rule("private"), member(EVE, "join"), {}),
    ("4.4a", False, "third-party", invited_by_bob, third_party(), {}),
    (
        "4.4a",
        False,
        "second-key",
        lambda scene: invited_by_bob(
            scene,
            public_key=OTHER_KEY.verify_key_base64,
            public_keys=["junk", {"public_key": KEY.verify_key_base64}],
        ),
        third_party(),
        {},
    ),
    ("4.4a", True, "banned", invited_by_bob, third_party(target=DAN, mxid=DAN), {}),
    (
        "4.4a",
        True,
        "nothing-signed",
        invited_by_bob,
        member(BOB, "invite", NEW, third_party_invite={}),
        {},
    ),
    (
        "4.4a",
        True,
        "not-an-object",
        invited_by_bob,
        member(BOB, "invite", NEW, third_party_invite="x"),
        {},
    ),
    ("4.4a", True, "token-is-a-number", invited_by_bob, third_party(token=5), {}),
    ("4.4a", True, "for-somebody-else", invited_by_bob, third_party(mxid=EVE), {}),
    ("4.4a", True, "unknown-token", same, third_party(), {}),
    ("4.4a", True, "sent-by-another", invited_by_bob, third_party(sender=MAX), {}),
    ("4.4a", True, "other-key", invited_by_bob, third_party(key=OTHER_KEY), {}),
    (
        "4.4a",
        True,
        "no-keys",
        lambda scene: invited_by_bob(scene, display_name="x"),
        third_party(),
        {},
    ),
    ("4.4b", False, "member-invites", same, member(BOB, "invite", NEW), {}),
    ("4.4b", True, "stranger-invites", same, member(NEW, "invite", FAR), {}),
    ("4.4b", True, "invited-invites", same, member(EVE, "invite", NEW), {}),
    ("4.4c", False, "invited-again", same, member(BOB, "invite", EVE), {}),
    ("4.4c", False, "knock-is-answered", same, member(BOB, "invite", KIT), {}),
    ("4.4c", True, "joined", same, member(ANN, "invite", BOB), {}),
    ("4.4c", True, "banned", same, member(ANN, "invite", DAN), {}),
    (
        "4.4d",
        False,
        "level-reached",
        with_levels(invite=50, users=USERS),
        member(MAX, "invite", NEW),
        {},
    ),
    (
        "4.4d",
        True,
        "level-missed",
        with_levels(invite=50, users=USERS),
        member(BOB, "invite", NEW),
        {},
    ),
    ("4.5a", False, "joined-leaves", same, member(BOB, "leave"), {}),
    ("4.5a", False, "invited-refuses", same, member(EVE, "leave"), {}),
    ("4.5a", False, "knock-taken-back", same, member(KIT, "leave"), {}),
    ("4.5a", True, "stranger-leaves", same, member(NEW, "leave"), {}),
    ("4.5a", True, "banned-leaves", same, member(DAN, "leave"), {}),
    ("4.5b", False, "member-removes", same, member(MAX, "leave", BOB), {}),
    ("4.5b", True, "stranger-removes", same, member(NEW, "leave", BOB), {}),
    ("4.5c", False, "unban", same, member(MAX, "leave", DAN), {}),
    (
        "4.5c",
        True,
        "unban-needs-the-level-of-bans",
        with_levels(users=USERS, ban=60),
        member(MAX, "leave", DAN),
        {},
    ),
    ("4.5d", False, "kick", same, member(MAX, "leave", BOB), {}),
    ("4.5d", False, "invitation-withdrawn", same, member(MAX, "leave", EVE), {}),
    ("4.5d", True, "kick-without-level", same, member(BOB, "leave", EVE), {}),
    ("4.5d", True, "kick-of-a-higher", same, member(MAX, "leave", ANN), {}),
    (
        "4.5d",
        True,
        "kick-of-an-equal",
        with_levels(users={**USERS, BOB: 50}),
        member(MAX, "leave", BOB),
        {},
    ),
    (
        "4.5d",
        True,
        "unban-needs-the-level-of-kicks-too",
        with_levels(users=USERS, kick=60),
        member(MAX, "leave", DAN),
        {},
    ),
    ("4.6a", False, "member-bans", same, member(MAX, "ban", NEW), {}),
    ("4.6a", True, "stranger-bans", same, member(NEW, "ban", BOB), {}),
    ("4.6b", False, "ban-again", same, member(MAX, "ban", DAN), {}),
    ("4.6b", True, "ban-without-level", same, member(BOB, "ban", NEW), {}),
    (
        "4.6b",
        True,
        "ban-of-an-equal",
        with_levels(users={**USERS, BOB: 50}),
        member(MAX, "ban", BOB),
        {},
    ),
    ("4.7a", False, "knock", rule("knock"), member(NEW, "knock"), {}),
    ("4.7a", False, "restricted", rule("knock_restricted"), member(NEW, "knock"), {}),
    ("4.7a", True, "no-knocks-taken", rule("restricted"), member(NEW, "knock"), {}),
    ("4.7b", False, "oneself", rule("knock"), member(NEW, "knock"), {}),
    ("4.7b", True, "for-another", rule("knock"), member(BOB, "knock", NEW), {}),
    ("4.7c", False, "knocks-again", rule("knock"), member(KIT, "knock"), {}),
    ("4.7c", True, "banned", rule("knock"), member(DAN, "knock"), {}),
    ("4.7c", True, "invited", rule("knock"), member(EVE, "knock"), {}),
    ("4.7c", True, "joined", rule("knock"), member(BOB, "knock"), {}),
    ("4.8", False, "known-membership", same, member(BOB, "leave"), {}),
    ("4.8", True, "unknown-membership", same, member(BOB, "dance"), {}),
    ("5", False, "member-writes", same, text(BOB), {}),
    ("5", True, "stranger-writes", same, text(NEW), {}),
    ("5", True, "invited-writes", same, text(EVE), {}),
    (
        "6",
        False,
        "level-reached-though-state-needs-more",
        same,
        ("m.room.third_party_invite", BOB, {}, "tok"),
        {},
    ),
    (
        "6",
        True,
        "level-missed",
        with_levels(invite=50, users=USERS),
        ("m.room.third_party_invite", BOB, {}, "tok"),
        {},
    ),
    ("7", False, "message", same, text(BOB), {}),
    ("7", True, "state", same, ("m.room.name", BOB, {"name": "x"}, ""), {}),
    ("7", False, "state-by-level", same, ("m.room.name", MAX, {"name": "x"}, ""), {}),
    ("7", True, "quiet-room", with_levels(events_default=1), text(BOB), {}),
    (
        "7",
        True,
        "type-of-its-own-level",
        with_levels(events={"m.room.message": 1}),
        text(BOB),
        {},
    ),
    (
        "7",
        False,
        "level-of-its-own-is-less",
        with_levels(events={"m.room.name": 0}),
        ("m.room.name", BOB, {"name": "x"}, ""),
        {},
    ),
    (
        "7",
        True,
        "no-levels",
        without("m.room.power_levels"),
        ("m.room.name", BOB, {"name": "x"}, ""),
        {},
    ),
    (
        "7",
        False,
        "no-levels-but-creator",
        without("m.room.power_levels"),
        ("m.room.name", ANN, {"name": "x"}, ""),
        {},
    ),
    ("8", False, "own-key", same, ("org.example.x", MAX, {}, MAX), {}),
    ("8", False, "other-key", same, ("org.example.x", MAX, {}, "x@y"), {}),
    ("8", True, "key-of-another", same, ("org.example.x", ANN, {}, MAX), {}),
    ("9.1", False, "integers", same, levels(ANN, users=USERS, ban=51), {}),
    ("9.1", True, "text", same, levels(ANN, users=USERS, ban="51"), {}),
    ("9.1", True, "boolean", same, levels(ANN, users=USERS, invite=True), {}),
    ("9.1", True, "null", same, levels(ANN, users=USERS, kick=None), {}),
    ("9.2", False, "objects", same, levels(ANN, users=USERS, events={"a": 1}), {}),
    ("9.2", True, "events-list", same, levels(ANN, users=USERS, events=[]), {}),
    ("9.2", True, "events-text", same, levels(ANN, users=USERS, events={"a": "1"}), {}),
    (
        "9.2",
        True,
        "notifications-null",
        same,
        levels(ANN, users=USERS, notifications=None),
        {},
    ),
    ("9.3", False, "users", same, levels(ANN, users={**USERS, NEW: 1}), {}),
    ("9.3", True, "users-list", same, levels(ANN, users=[]), {}),
    ("9.3", True, "users-text", same, levels(ANN, users={ANN: "100"}), {}),
    ("9.3", True, "no-user-id", same, levels(ANN, users={**USERS, "bob": 1}), {}),
    (
        "9.4",
        False,
        "first-levels",
        without("m.room.power_levels"),
        levels(ANN, users={ANN: 500}),
        {},
    ),
    ("9.4", True, "later-levels", same, levels(ANN, users={**USERS, ANN: 500}), {}),
    ("9.5", False, "lowered", same, levels(MAX, users=USERS, kick=20), {}),
    ("9.5", True, "raised-too-far", same, levels(MAX, users=USERS, kick=51), {}),
    (
        "9.5",
        True,
        "lowered-from-above",
        with_levels(users=USERS, ban=60),
        levels(MAX, users=USERS, ban=50),
        {},
    ),
    (
        "9.5",
        True,
        "removed-from-above",
        with_levels(users=USERS, ban=60),
        levels(MAX, users=USERS),
        {},
    ),
    (
        "9.5",
        False,
        "left-above",
        with_levels(users=USERS, ban=60),
        levels(MAX, users=USERS, ban=60),
        {},
    ),
    (
        "9.6",
        False,
        "entry-removed",
        with_levels(users=USERS, events={"a": 50}),
        levels(MAX, users=USERS),
        {},
    ),
    (
        "9.6",
        True,
        "entry-removed-from-above",
        with_levels(users=USERS, events={"a": 51}),
        levels(MAX, users=USERS),
        {},
    ),
    (
        "9.6",
        True,
        "notification-lowered-from-above",
        with_levels(users=USERS, notifications={"room": 51}),
        levels(MAX, users=USERS, notifications={"room": 1}),
        {},
    ),
    ("9.7", False, "entry-added", same, levels(MAX, users=USERS, events={"a": 50}), {}),
    (
        "9.7",
        True,
        "entry-added-above",
        same,
        levels(MAX, users=USERS, events={"a": 51}),
        {},
    ),
    (
        "9.7",
        True,
        "notification-added-above",
        same,
        levels(MAX, users=USERS, notifications={"room": 51}),
        {},
    ),
    (
        "9.8",
        False,
        "own-level-lowered",
        same,
        levels(MAX, users={**USERS, MAX: 10}),
        {},
    ),
    ("9.8", False, "own-level-removed", same, levels(MAX, users={ANN: 100}), {}),
    (
        "9.8",
        False,
        "lesser-lowered",
        with_levels(users={**USERS, BOB: 49}),
        levels(MAX, users=USERS),
        {},
    ),
    (
        "9.8",
        True,
        "equal-lowered",
        with_levels(users={**USERS, BOB: 50}),
        levels(MAX, users={**USERS, BOB: 1}),
        {},
    ),
    ("9.8", True, "higher-removed", same, levels(MAX, users={MAX: 50}), {}),
    ("9.9", False, "raised-to-own", same, levels(MAX, users={**USERS, BOB: 50}), {}),
    ("9.9", True, "raised-above-own", same, levels(MAX, users={**USERS, BOB: 51}), {}),
    ("9.9", True, "own-raised", same, levels(MAX, users={**USERS, MAX: 51}), {}),
    ("10", False, "reaction", same, ("m.reaction", BOB, {}), {}),
    ("10", False, "redaction", same, ("m.room.redaction", BOB, {"redacts": "$a"}), {}),
]


@pytest.mark.parametrize(
    ("number", "refuses", "change", "asked", "more"),
    [
        pytest.param(number, refuses, change, asked, more, id=f"{number}-{situation}")
        for number, refuses, situation, change, asked, more in ROWS
    ],
)
def test_rule(scene, make_event, number, refuses, change, asked, more):
    change(scene)
    pdu = make_event(*asked, **more)
    if not refuses:
        check(pdu, scene.state, V11)
        return
    with pytest.raises(Denied) as caught:
        check(pdu, scene.state, V11)
    given = caught.value.rule
    assert given == EQUIVALENT.get((number, asked[0], given), number)
    assert caught.value.errcode == "M_FORBIDDEN"


def test_each_rule_passes_and_refuses():
    only_allow = {"1", "10"}
    only_refuse = {"1.1", "1.2", "1.3", "2.4", "4.1"}
    passing = {row[0] for row in ROWS if not row[1]}
    refusing = {row[0] for row in ROWS if row[1]}
    assert passing - refusing == only_allow
    assert refusing - passing == only_refuse
    families = {number.split(".")[0] for number in passing | refusing}
    assert families == {*(number for number, _ in RULES), "10"}


def test_version_10_creates_by_name(scene, make_event):
    empty(scene)
    named = create(room_version="10", creator=ANN)
    check(make_event(*named, **FIRST), scene.state, V10)
    with pytest.raises(Denied) as caught:
        check(make_event(*create(room_version="10"), **FIRST), scene.state, V10)
    assert caught.value.rule == "1.4"


def test_endless_signatures_are_not_all_tried(scene, make_event):
    junk = "A" * 86
    names = [f"ed25519:{n}" for n in range(MAX_SIGNATURE_CHECKS)]
    event = make_event(*third_party())
    signed = event.content["third_party_invite"]["signed"]
    signed["signatures"] = {"id.example": dict.fromkeys(names, junk)} | {
        "late.example": signed["signatures"]["id.example"]
    }
    invited_by_bob(scene)
    with pytest.raises(Denied):
        check(event, scene.state, V11)


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 60)
    | st.sampled_from(["join", "invite", "public", BOB, NEW, "tok", ""]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["signed", "mxid", "token", "signatures", "public_keys", BOB]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
junk_contents = st.dictionaries(
    st.sampled_from(
        [
            "membership",
            "join_authorised_via_users_server",
            "third_party_invite",
            "join_rule",
            "room_version",
            "m.federate",
            "users",
            "events",
            "ban",
            "invite",
            "public_keys",
        ]
    ),
    junk,
    max_size=4,
)
STATE_TYPES = (
    "m.room.create",
    "m.room.join_rules",
    "m.room.power_levels",
    "m.room.third_party_invite",
    "m.room.member",
)


@given(
    asked=st.sampled_from(STATE_TYPES),
    content=junk_contents,
    sender=st.sampled_from([ANN, BOB, NEW, FAR]),
    state_key=st.sampled_from(["", BOB, NEW, "tok", None]),
    junk_state=st.dictionaries(st.sampled_from(STATE_TYPES[1:4]), junk_contents),
)
def test_junk_is_allowed_or_denied(
    new_scene, make_event, asked, content, sender, state_key, junk_state
):
    scene = new_scene()
    for event_type, junk_content in junk_state.items():
        key = "tok" if event_type == "m.room.third_party_invite" else ""
        scene.set(event_type, junk_content, key)
    pdu = make_event(asked, sender, content, state_key, signatures=content.get("users"))
    select_auth_events(asked, sender, state_key, content, scene.state)
    with suppress(Denied):
        check(pdu, scene.state, V11)


def auth_of(scene, event):
    ids = select_auth_events(
        event.type, event.sender, event.state_key, event.content, scene.state
    )
    by_id = {pdu.event_id: pdu for pdu in scene.state.events()}
    return [by_id[event_id] for event_id in ids]


def keys_of(pdus):
    return {(pdu.type.removeprefix("m.room."), pdu.state_key) for pdu in pdus}


COMMON = {("create", ""), ("power_levels", ""), ("member", BOB)}
SELECTIONS = [
    ("message", text(BOB), COMMON),
    ("state", ("m.room.name", BOB, {}, ""), COMMON),
    ("create", create(), set()),
    ("own-join", member(BOB, "join"), {*COMMON, ("join_rules", "")}),
    (
        "invite",
        member(BOB, "invite", EVE),
        {*COMMON, ("member", EVE), ("join_rules", "")},
    ),
    ("knock", member(BOB, "knock"), {*COMMON, ("join_rules", "")}),
    ("leave", member(BOB, "leave"), COMMON),
    ("kick", member(BOB, "leave", EVE), {*COMMON, ("member", EVE)}),
    ("ban", member(BOB, "ban", EVE), {*COMMON, ("member", EVE)}),
    (
        "restricted-join",
        member(BOB, "join", **VERIFIED),
        {*COMMON, ("member", MAX), ("join_rules", "")},
    ),
    (
        "third-party-invite",
        third_party(),
        {*COMMON, ("join_rules", ""), ("third_party_invite", "tok")},
    ),
    ("strange-invite", member(BOB, "invite", EVE, third_party_invite=[]), None),
]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [row[1:] for row in SELECTIONS],
    ids=[r[0] for r in SELECTIONS],
)
def test_auth_events_are_selected(scene, make_event, asked, expected):
    invited_by_bob(scene)
    event = make_event(*asked)
    selected = auth_of(scene, event)
    if expected is None:
        expected = {*COMMON, ("member", EVE), ("join_rules", "")}
    assert keys_of(selected) == expected
    assert len(selected) == len(expected)
    check_auth_events(event, selected)


def test_wrong_auth_events_are_refused(scene, make_event):
    event = make_event(*text(BOB))
    right = auth_of(scene, event)
    create_event = scene.state.create
    stranger = make_event("m.room.name", ANN, {}, "", event_id="$name")
    far = make_event(*member(BOB, "join"), event_id="$far", room_id="!far:hub.example")
    others = [pdu for pdu in right if pdu.state_key != BOB]
    for number, wrong, rejected in (
        ("2.1", [*right, right[0]], ()),
        ("2.2", [*right, stranger], ()),
        ("2.2", [*right, make_event("m.room.create", ANN, {})], ()),
        ("2.3", right, {right[1].event_id}),
        ("2.4", [pdu for pdu in right if pdu is not create_event], ()),
        ("2.5", [*others, far], ()),
    ):
        with pytest.raises(Denied) as caught:
            check_auth_events(event, wrong, rejected)
        assert caught.value.rule == number
    check_auth_events(event, right, {"$another"})
