from __future__ import annotations

import pytest

from chatproto.rooms.power_levels import PowerLevels
from chatproto.rooms.state import RoomState
from chatproto.rooms.version import V10, V11

ANN, BOB = "@ann:hub.example", "@bob:hub.example"


def of(scene, version=V11):
    return PowerLevels.of(scene.state, version)


def scalars(levels):
    return (levels.ban, levels.kick, levels.redact, levels.invite)


def test_defaults_without_the_event(scene):
    scene.clear("m.room.power_levels")
    levels = of(scene)
    assert (levels.user(ANN), levels.user(BOB)) == (100, 0)
    assert scalars(levels) == (50, 50, 50, 0)
    assert levels.required("m.room.name", is_state=True) == 50
    assert levels.required("m.room.message", is_state=False) == 0
    assert levels.notification("room") == 50


def test_defaults_of_missing_keys(scene):
    scene.levels()
    levels = of(scene)
    assert (levels.user(ANN), levels.user(BOB)) == (0, 0)
    assert scalars(levels) == (50, 50, 50, 0)
    assert levels.required("m.room.name", is_state=True) == 50
    assert levels.required("m.room.message", is_state=False) == 0
    assert levels.notification("room") == 50


def test_given_levels_hold(scene):
    scene.levels(
        users={BOB: 7},
        users_default=3,
        events={"m.room.name": 9, "m.room.message": 8},
        events_default=1,
        state_default=2,
        ban=11,
        kick=12,
        redact=13,
        invite=14,
        notifications={"room": 15},
    )
    levels = of(scene)
    assert (levels.user(ANN), levels.user(BOB)) == (3, 7)
    assert scalars(levels) == (11, 12, 13, 14)
    assert levels.required("m.room.name", is_state=True) == 9
    assert levels.required("m.room.message", is_state=False) == 8
    assert levels.required("m.room.topic", is_state=True) == 2
    assert levels.required("m.sticker", is_state=False) == 1
    assert levels.notification("room") == 15


@pytest.mark.parametrize("junk", [None, "7", True, [], {}], ids=repr)
def test_junk_counts_as_missing(scene, junk):
    scene.levels(users=junk, events={"m.room.name": junk}, ban=junk, notifications=junk)
    levels = of(scene)
    assert (levels.user(ANN), levels.ban, levels.notification("room")) == (0, 50, 50)
    assert levels.required("m.room.name", is_state=True) == 50


def test_creator_of_version_10_is_named(scene):
    scene.clear("m.room.power_levels")
    scene.set("m.room.create", {"creator": BOB})
    assert of(scene, V10).user(BOB) == 100
    assert of(scene, V11).user(BOB) == 0


def test_empty_room_has_no_creator():
    assert PowerLevels.of(RoomState.empty(), V11).user(ANN) == 0


def test_levels_are_kept_until_they_change(scene, make_event):
    state = scene.state
    levels = PowerLevels.of(state, V11)
    assert PowerLevels.of(state, V11) is levels
    name = make_event("m.room.name", ANN, {"name": "x"}, "")
    assert PowerLevels.of(state.apply(name), V11) is levels
    change = make_event("m.room.power_levels", ANN, {"users": {BOB: 5}}, "")
    assert PowerLevels.of(state.apply(change), V11).user(BOB) == 5
    assert PowerLevels.of(state, V11).user(BOB) == 0
