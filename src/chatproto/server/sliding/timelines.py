"""The timelines of rooms, as far as a client lacks them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import SeenEvent
from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.ports import Store
from chatproto.server.filters import SyncFilter
from chatproto.server.pages import Pages, Viewer
from chatproto.server.positions import Position, history_token
from chatproto.server.sliding.plan import Cut, Plan, cut
from chatproto.server.visible import Visible

_BUNDLED = SyncFilter(bundles=True)


@frozen(kw_only=True)
class Reader:
    """Who reads, from which position (None: from nothing) up to which."""

    user_id: UserId
    device_id: DeviceId | None
    since: Position | None
    until: Position
    now_ms: int


@frozen
class Sent:
    """The events that are sent, and how they were cut."""

    events: Sequence[SeenEvent]
    cut: Cut


@define(eq=False)
class Timelines:
    """Reads what is sent of a room's timeline."""

    store: Store
    visible: Visible
    pages: Pages

    async def put(
        self, reader: Reader, room_id: RoomId, todo: Plan, json: JsonObject
    ) -> Sent:
        """Add to a room's answer what a plan sends of its timeline."""
        through = todo.through
        if through <= todo.start and not (todo.initial or todo.expands):
            return Sent((), Cut(count=0, first=through + 1))
        members = await self.visible.members(room_id, reader.user_id)
        ranges = await self.visible.ranges_by(room_id, members, through)
        found = await self.store.events(
            room_id,
            after=0 if todo.expands else todo.start,
            before=through + 1,
            limit=todo.wanted.timeline_limit + 1,
            backwards=True,
            ranges=ranges,
        )
        sent = cut(todo, [event.seq for event in found])
        shown = list(reversed(found[: sent.count]))
        viewer = Viewer(
            user_id=reader.user_id,
            device_id=reader.device_id,
            now_ms=reader.now_ms,
            through=through,
            members=members,
        )
        if shown:
            events = await self.pages.timeline(room_id, shown, viewer, _BUNDLED)
            json |= {"timeline": events, "num_live": _live(shown, reader.since)}
        if sent.expanded:
            json["unstable_expanded_timeline"] = True
        if shown or sent.limited or todo.initial:
            json["limited"] = sent.limited
            json["prev_batch"] = history_token(sent.first - 1)
        return Sent(shown, sent)


def _live(events: Sequence[SeenEvent], since: Position | None) -> int:
    """How many events have just occurred."""
    return sum(since is not None and event.pos > since.pos for event in events)
