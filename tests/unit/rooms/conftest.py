from __future__ import annotations

import pytest

from chatproto.events.envelope import Pdu
from chatproto.rooms.state import RoomState

HUB = "hub.example"


class Scene:
    """The state of a room under test, set up without signatures."""

    def __init__(self) -> None:
        self._pdus = {}
        self.set("m.room.create", {"room_version": "11"})
        self.set("m.room.join_rules", {"join_rule": "invite"})
        self.levels(users={"@ann:hub.example": 100, "@max:hub.example": 50})
        for name, membership in (
            ("ann", "join"),
            ("max", "join"),
            ("bob", "join"),
            ("eve", "invite"),
            ("kit", "knock"),
            ("dan", "ban"),
        ):
            self.member(name, membership)

    def set(self, event_type, content, state_key="", sender="@ann:hub.example"):
        key = event_type, state_key
        name = f"${event_type}|{state_key}"
        self._pdus[key] = event(event_type, sender, content, state_key, event_id=name)

    def member(self, name, membership):
        user = f"@{name}:{HUB}"
        self.set("m.room.member", {"membership": membership}, user, user)

    def levels(self, **content):
        self.set("m.room.power_levels", content)

    def join_rule(self, rule):
        self.set("m.room.join_rules", {"join_rule": rule})

    def clear(self, event_type, state_key=""):
        del self._pdus[event_type, state_key]

    @property
    def state(self):
        return RoomState.of(self._pdus.values())


def event(event_type, sender, content, state_key=None, *, event_id="$e", **fields):
    json = {
        "auth_events": [],
        "content": content,
        "depth": 9,
        "origin_server_ts": 5,
        "prev_events": ["$before"],
        "room_id": "!room:hub.example",
        "sender": sender,
        "signatures": {HUB: {}},
        "type": event_type,
        **fields,
    }
    if state_key is not None:
        json["state_key"] = state_key
    return Pdu.from_json(json, event_id)


@pytest.fixture
def scene():
    return Scene()


@pytest.fixture(scope="session")
def new_scene():
    return Scene


@pytest.fixture(scope="session")
def make_event():
    return event
