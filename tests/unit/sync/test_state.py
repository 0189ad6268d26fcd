from __future__ import annotations

from typing import Any

import pytest

from chatproto.sync.state import State, display_name


def event(
    kind: str, content: Any, key: str = "", seq: int | None = 1
) -> dict[str, Any]:
    unsigned = {} if seq is None else {"org.chatproto.seq": seq}
    return {
        "event_id": f"${kind}{key}{seq}",
        "type": kind,
        "state_key": key,
        "sender": "@creator:x",
        "content": content,
        "unsigned": unsigned,
    }


def member(user: str, membership: str, name: str | None = None) -> dict[str, Any]:
    content = {"membership": membership}
    named = {"displayname": name} if name else {}
    return event("m.room.member", {**content, **named}, user)


def state(*events: dict[str, Any]) -> State:
    made = State()
    for each in events:
        made.apply(each)
    return made


def test_newer_event_by_seq_stays() -> None:
    made = state(event("m.room.name", {"name": "new"}, seq=5))
    assert not made.apply(event("m.room.name", {"name": "old"}, seq=4))
    assert made.name == "new"


def test_placed_event_replaces_stripped_one() -> None:
    made = state(event("m.room.name", {"name": "asked"}, seq=None))
    assert made.apply(event("m.room.name", {"name": "joined"}, seq=1))
    assert made.name == "joined"


def test_redacted_state_loses_its_effect() -> None:
    made = state(
        event("m.room.topic", {"topic": "secret"}), member("@a:x", "join", "A")
    )
    assert made.redact("$m.room.topic1")
    assert made.topic is None
    assert made.redact("$m.room.member@a:x1")
    assert made.member("@a:x").name == "@a:x"
    assert made.membership("@a:x") == "join"
    assert not made.redact("$unknown")


def test_what_clients_show() -> None:
    made = state(
        event("m.room.avatar", {"url": "mxc://x/a"}),
        event("m.room.join_rules", {"join_rule": "public"}),
        event("m.room.pinned_events", {"pinned": ["$1", 7, "$2"]}),
        event("m.room.encryption", {}),
        event("m.room.tombstone", {"replacement_room": "!new:x"}),
    )
    assert made.avatar_url == "mxc://x/a"
    assert made.join_rule == "public"
    assert made.pinned == ("$1", "$2")
    assert made.is_encrypted
    assert made.replacement == "!new:x"


def test_absent_state_has_defaults() -> None:
    made = state(event("m.room.name", {"name": 7}))
    assert (made.name, made.topic, made.replacement) == (None, None, None)
    assert made.join_rule == "invite"
    assert made.pinned == ()
    assert not made.is_encrypted


def test_same_names_get_the_id_while_both_are_there() -> None:
    made = state(member("@a:x", "join", "Al"), member("@b:x", "invite", "Al"))
    assert made.member("@a:x").name == "Al (@a:x)"
    made.apply({**member("@b:x", "leave", "Al"), "unsigned": {"org.chatproto.seq": 2}})
    assert made.member("@a:x").name == "Al"


@pytest.mark.parametrize(
    ("levels", "power"),
    [
        (None, 0),
        ({}, 0),
        ({"users_default": 7}, 7),
        ({"users": {"@a:x": 50}, "users_default": 7}, 50),
        ({"users": "all"}, 0),
    ],
)
def test_power_of_a_user(levels: dict[str, Any] | None, power: int) -> None:
    made = state(event("m.room.create", {}))
    if levels is not None:
        made.apply(event("m.room.power_levels", levels))
    assert made.power("@a:x") == power


def test_creator_has_power_without_levels() -> None:
    assert state(event("m.room.create", {})).power("@creator:x") == 100


ME = member("@me:x", "join", "Me")
PEOPLE = [member(f"@{n}:x", "join", n.upper()) for n in "abcdefg"]
NAME = event("m.room.name", {"name": "Room"})
ALIAS = event("m.room.canonical_alias", {"alias": "#r:x"})


@pytest.mark.parametrize(
    ("events", "heroes", "name"),
    [
        ([ME, *PEOPLE, ALIAS, NAME], (), "Room"),
        ([ME, *PEOPLE, ALIAS], (), "#r:x"),
        ([ME, *PEOPLE[:2]], (), "A, B"),
        ([ME, *PEOPLE], (), "A, B, C, D, E +2"),
        ([ME, PEOPLE[0], member("@z:x", "leave", "Z")], (), "A"),
        ([ME, member("@z:x", "leave", "Z")], (), "Z"),
        ([ME, PEOPLE[1]], ("@b:x", "@unknown:x"), "B, @unknown:x"),
        ([ME], (), ""),
    ],
    ids=["name", "alias", "people", "many", "left", "all-left", "heroes", "alone"],
)
def test_room_is_called(
    events: list[dict[str, Any]], heroes: tuple[str, ...], name: str
) -> None:
    assert display_name(state(*events), "@me:x", heroes) == name
