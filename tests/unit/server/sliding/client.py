"""A client of sliding sync."""

from __future__ import annotations

from attrs import define, field

from chatproto.operations.codec import structure
from chatproto.operations.sliding_sync import SlidingSync


@define
class Client:
    """A device that syncs by windows, and keeps nothing but the last pos."""

    person: object
    pos: str | None = None
    body: dict = field(factory=dict)

    async def sync(self, pos=None, wait_ms=0, **body):
        """One request with this body, or with that of the last."""
        self.body = body or self.body
        pos = pos or self.pos
        asked = {**self.body, "timeout": wait_ms, **({"pos": pos} if pos else {})}
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
