from __future__ import annotations

from attrs import define, field

from chatproto.operations.codec import structure
from chatproto.operations.sliding_sync import SlidingSync

EVERYTHING = [["*", "*"]]


@define
class Client:
    """A device that syncs by windows, and keeps nothing but the last pos."""

    person: object
    pos: str | None = None
    body: dict = field(factory=dict)

    async def sync(self, pos=None, **body):
        """One request with this body, or with that of the last."""
        self.body = body or self.body
        query = {"pos": pos or self.pos}
        asked = {**self.body, **{k: v for k, v in query.items() if v}}
        answer = await self.person.call(structure(SlidingSync, asked))
        self.pos = answer["pos"]
        return answer


def windows(*ranges, limit=10, state=(), **more):
    """A body that asks for one list."""
    asked = {"timeline_limit": limit, "required_state": list(state), **more}
    if ranges:
        asked["ranges"] = [list(pair) for pair in ranges]
    return {"lists": {"all": asked}}


def bodies(events):
    return [e["content"]["body"] for e in events if "body" in e["content"]]


async def test_first_answer_tells_rooms(ann, bob, room):
    await ann.say(room, "hello")
    answer = await Client(bob).sync(**windows([0, 9], state=[["m.room.create", ""]]))
    assert answer["lists"] == {"all": {"count": 1}}
    found = answer["rooms"][room]
    assert found["initial"] is True
    assert found["membership"] == "join"
    assert found["joined_count"] == 2
    assert found["notification_count"] == 1
    assert bodies(found["timeline"]) == ["hello"]
    assert [e["type"] for e in found["required_state"]] == ["m.room.create"]
    assert found["num_live"] == 0
    assert found["heroes"][0]["user_id"] == ann.id


async def test_next_answer_tells_what_is_new(ann, bob, room):
    client = Client(bob)
    await client.sync(**windows([0, 9]))
    await ann.say(room, "news")
    found = (await client.sync())["rooms"][room]
    assert bodies(found["timeline"]) == ["news"]
    assert found["num_live"] == 1
    assert found["limited"] is False
    assert set(found) == {
        *("timeline", "limited", "prev_batch", "num_live", "bump_stamp"),
        *("notification_count", "lists"),
    }
    assert (await client.sync())["rooms"] == {}
