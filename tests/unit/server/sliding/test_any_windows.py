"""A client that applies answers, some of them lost, ends with what the server knows."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatproto.errors import MatrixError
from chatproto.operations.profiles import SetDisplayName
from chatproto.operations.rooms import Kick
from chatproto.storage.memory import MemoryStore
from tests.unit.server.harness import CopiedStore, Person, open_chat
from tests.unit.server.sliding.client import Client

FIELDS = (
    *("name", "avatar", "is_dm", "membership", "joined_count", "invited_count"),
    *("notification_count", "highlight_count", "bump_stamp"),
)
LAZY = ["m.room.member", "$LAZY"]
TOLD = (*FIELDS, "heroes", "invite_state")
STATES = (
    [],
    [["m.room.topic", ""], ["m.room.name", ""]],
    [["m.room.name", ""], ["m.room.member", "$ME"]],
    [LAZY, ["m.room.topic", "*"]],
    [["*", "*"]],
)
EXTENSIONS = {
    name: {"enabled": True} for name in ("account_data", "receipts", "typing")
}
LIMIT = 4


def body_of(ranges, limit, state, extensions):
    asked = {"timeline_limit": limit, "required_state": state}
    if ranges is not None:
        asked["ranges"] = ranges
    return {
        "lists": {"all": asked},
        "extensions": EXTENSIONS if extensions else {},
    }


WHOLE = body_of(None, LIMIT, [["*", "*"]], extensions=True)
SPEAKERS = body_of(None, 2, [LAZY], extensions=True)


@define
class Model:
    """What a client makes of the answers."""

    client: Client
    rooms: dict = field(factory=dict)
    data: dict = field(factory=dict)
    typing: dict = field(factory=dict)
    count: int = 0
    lazy: bool = False

    async def sync(self, body, *, loses=False):
        """Whether there was news of rooms. A lost answer is asked for again later."""
        pos = self.client.pos
        answer = await self.client.sync(**body)
        if loses:
            self.client.pos = pos
            return True
        self.lazy = LAZY in body["lists"]["all"]["required_state"]
        self.count = answer["lists"]["all"]["count"]
        for room, json in answer["rooms"].items():
            self._room(room, json)
            if self.lazy:
                await self._knows_who_speaks(room, json)
        data = answer["extensions"].get("account_data", {"global": [], "rooms": {}})
        for room, events in [(None, data["global"]), *data["rooms"].items()]:
            for event in events:
                self.data[room, event["type"]] = event["content"]
        for room, event in (
            answer["extensions"].get("typing", {"rooms": {}})["rooms"].items()
        ):
            self.typing[room] = event["content"]["user_ids"]
        return bool(answer["rooms"] or answer["extensions"])

    def _room(self, room, json):
        if json.get("membership") in ("leave", "ban"):
            assert self.rooms.pop(room, None) or json.get("initial")
            return
        if json.get("initial"):
            self.rooms[room] = {"timeline": [], "state": {}}
        known = self.rooms[room]
        known |= {name: json[name] for name in TOLD if name in json}
        for event in json.get("required_state", ()):
            known["state"][event["type"], event["state_key"]] = event["event_id"]
        events = [event["event_id"] for event in json.get("timeline", ())]
        if json.get("unstable_expanded_timeline"):
            assert json["num_live"] <= len(events)
            overlap = set(events) & set(known["timeline"])
            assert overlap or not known["timeline"]
            known["timeline"] = events
        elif json.get("limited") and not json.get("initial"):
            known["timeline"] = events
            told = {(e["type"], e["state_key"]) for e in json.get("required_state", ())}
            for key in [k for k in known["state"] if k[0] == "m.room.member"]:
                if self.lazy and key not in told:
                    del known["state"][key]
        else:
            assert not set(events) & set(known["timeline"])
            known["timeline"] += events

    async def _knows_who_speaks(self, room, json):
        if room not in self.rooms:
            return
        state = self.rooms[room]["state"]
        live = await self.client.person.engine.cache.load(room)
        for event in json.get("timeline", ()):
            key = "m.room.member", event["sender"]
            assert state[key] == live.timeline.state.get(*key).event_id

    def shown(self, name, limit, *, members):
        """What a room looks like, with as much of the timeline as was asked for."""
        room = self.rooms[name]
        fields = {key: room.get(key) or None for key in FIELDS}
        if fields["name"] is None:
            fields["heroes"] = room.get("heroes") or None
        state = room["state"].items()
        return {
            **fields,
            "timeline": room["timeline"][-limit:],
            "state": {k: v for k, v in state if members or k[0] != "m.room.member"},
            "invite_state": room.get("invite_state"),
        }


async def act(people, rooms, step):
    """Something that somebody does, if they may."""
    who, what, index, other = step
    person, room, target = people[who], rooms[index], people[other]
    deeds = {
        "say": lambda: person.say(room),
        "topic": lambda: person.set_state(room, "m.room.topic", {"topic": str(who)}),
        "name": lambda: person.set_state(room, "m.room.name", {"name": str(who)}),
        "unname": lambda: person.set_state(room, "m.room.name", {"name": ""}),
        "leave": lambda: person.leave(room),
        "join": lambda: person.join(room),
        "invite": lambda: person.invite(room, target),
        "kick": lambda: person.call(Kick(room_id=room, user_id=target.id)),
        "read": lambda: read(person, room),
        "rename": lambda: person.call(
            SetDisplayName(user_id=person.id, displayname=f"{who}{index}")
        ),
        "direct": lambda: person.set_data("m.direct", {target.id: [room]}),
        "undirect": lambda: person.set_data("m.direct", {}),
        "mute": lambda: person.set_data(
            "org.chatproto.muted", {"muted": other == 0}, room
        ),
    }
    with suppress(MatrixError):
        await deeds[what]()


async def read(person, room):
    page = await person.history(room, limit=1)
    if page.chunk:
        await person.read(room, page.chunk[0]["event_id"])


DEEDS = st.tuples(
    st.integers(0, 2),
    st.sampled_from(
        (
            *("say",) * 9,
            *("topic", "name", "unname", "leave", "join"),
            *("invite", "kick", "read", "rename", "direct", "undirect", "mute"),
        )
    ),
    st.sampled_from((0, 0, 0, 1, 2)),
    st.integers(0, 2),
)
RANGES = st.none() | st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(sorted), max_size=2
)
BODIES = st.just(WHOLE) | st.builds(
    body_of, RANGES, st.integers(0, LIMIT), st.sampled_from(STATES), st.booleans()
)
SYNCS = st.tuples(BODIES, st.booleans())
STEPS = st.lists(DEEDS | SYNCS, max_size=40)


def made_world():
    """Three people in three rooms."""

    async def make():
        store = MemoryStore()
        async with open_chat(store) as chat:
            people = await chat.people("ann", "bob", "cat")
            rooms = [await chat.room_of(*people) for _ in range(3)]
            return CopiedStore.image_of(store), [p.caller for p in people], rooms

    return trio.run(make)


WORLD = made_world()


async def lived(steps, last):
    """What a client makes of steps and of `last`, and what one does that only asks it."""
    image, callers, rooms = WORLD
    async with open_chat(CopiedStore(image)) as chat:
        people = [Person(chat.engine, caller) for caller in callers]
        model = Model(Client(people[1]))
        for step in steps:
            if len(step) == 2:
                await model.sync(step[0], loses=step[1])
            else:
                await act(people, rooms, step)
        await model.sync(last)
        await model.sync(last)
        truth = Model(Client(people[1]))
        await truth.sync({**last, "conn_id": "fresh"})
        return model, truth


def same(model, truth, limit, *, members):
    assert set(model.rooms) == set(truth.rooms)
    assert model.count == truth.count
    for room in truth.rooms:
        shown = [known.shown(room, limit, members=members) for known in (model, truth)]
        assert shown[0] == shown[1]
    data = {k: v for k, v in model.data.items() if k[0] in {None, *truth.rooms}}
    assert data == truth.data


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_client_ends_with_the_servers_truth(steps):
    async def check():
        model, truth = await lived(steps, WHOLE)
        same(model, truth, LIMIT, members=True)

    trio.run(check)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(DEEDS | st.booleans(), max_size=40))
@pytest.mark.parametrize("body", [WHOLE, SPEAKERS], ids=["whole", "speakers"])
def test_constant_client_keeps_up(body, steps):
    async def check():
        asked = [(body, step) if isinstance(step, bool) else step for step in steps]
        model, truth = await lived(asked, body)
        limit = body["lists"]["all"]["timeline_limit"]
        same(model, truth, limit, members=body is WHOLE)

    trio.run(check)
