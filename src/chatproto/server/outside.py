"""Sections of a sync body about rooms that the user is not, or no longer, in."""

from __future__ import annotations

from collections.abc import Collection

from attrs import define

from chatproto.canonical import JsonObject
from chatproto.ids import UserId
from chatproto.ports import MembershipRow, Store
from chatproto.rooms.state import RoomState
from chatproto.server.client_format import Formats, in_room
from chatproto.server.pages import Pages, Viewer
from chatproto.server.positions import history_token
from chatproto.server.rooms import RoomCache
from chatproto.server.spans import Span
from chatproto.server.visible import Visible

_STRIPPED = (
    "m.room.create",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.encryption",
)


@define(eq=False)
class OutsideRooms:
    """Makes the sections under `rooms.invite`, `rooms.knock` and `rooms.leave`."""

    store: Store
    cache: RoomCache
    visible: Visible
    formats: Formats
    pages: Pages

    async def asked(
        self, member: MembershipRow, ignored: Collection[UserId] = ()
    ) -> JsonObject | None:
        """An invitation, or a knock of one's own; none by who is ignored."""
        live = await self.cache.load(member.room_id)
        if live is None:
            return None
        own = live.timeline.state.get("m.room.member", member.user_id)
        if own is not None and own.sender in ignored:
            return None
        state = stripped_state(live.timeline.state, member.user_id)
        return {
            f"{member.membership}_state": {"events": state},
            "org.chatproto.room": {"bump": member.changed_pos},
        }

    async def left(self, span: Span, member: MembershipRow) -> JsonObject | None:
        """A room that the user has left, or was put out of, up to that moment.

        A device that still shows a room hears that it is gone, be it forgotten or not.
        """
        wanted = span.want.include_leave and not member.forgotten
        if span.since is None and not wanted:
            return None
        start = await self.store.seq_at(member.room_id, span.after)
        members = await self.visible.members(member.room_id, span.user_id)
        ranges = await self.visible.ranges_by(member.room_id, members, member.seq)
        found = await self.store.events(
            member.room_id,
            after=start,
            before=member.seq + 1,
            limit=span.want.timeline_limit + 1,
            backwards=True,
            ranges=ranges,
        )
        shown = list(reversed(found[: span.want.timeline_limit]))
        if member.seq > start and (not shown or shown[-1].seq < member.seq):
            # What happens to oneself one is told, even if one was out already.
            shown += await self.store.events_at(member.room_id, (member.seq,))
        first = shown[0].seq if shown else member.seq
        viewer = Viewer(
            user_id=span.user_id,
            device_id=span.device_id,
            now_ms=span.now_ms,
            through=member.seq,
            members=members,
        )
        events = await self.pages.timeline(member.room_id, shown, viewer, span.want)
        limited = len(found) > span.want.timeline_limit
        return {
            "timeline": {
                "events": events,
                "limited": limited,
                "prev_batch": history_token(first - 1),
            },
            "state": {"events": await self._state(span, member, start, first - 1)},
        }

    async def _state(
        self, span: Span, member: MembershipRow, start: int, end: int
    ) -> list[JsonObject]:
        """The state before the timeline; none for who was never in the room."""
        if not await self._has_joined(member) or end <= start:
            return []
        if start == 0:
            found = await self.store.state_at(member.room_id, end)
        else:
            found = await self.store.state_between(member.room_id, start, end)
        events = map(in_room, await self.formats.client_events(found))
        return span.want.passed_state(member.room_id, events)

    async def _has_joined(self, member: MembershipRow) -> bool:
        changes = await self.store.state_changes(
            member.room_id, "m.room.member", member.user_id
        )
        return any(e.pdu.content.get("membership") == "join" for e in changes)


def stripped_state(state: RoomState, user_id: UserId) -> list[JsonObject]:
    """What someone outside may know of a room they are asked or ask into."""
    own = state.get("m.room.member", user_id)
    pdus = [state.get(kind) for kind in _STRIPPED]
    if own is not None:
        pdus += [own, state.get("m.room.member", own.sender)]
    shown = {pdu.event_id: pdu for pdu in pdus if pdu is not None}
    return [
        {
            "type": pdu.type,
            "state_key": pdu.state_key,
            "sender": pdu.sender,
            "content": pdu.content,
            "origin_server_ts": pdu.origin_server_ts,
        }
        for pdu in shown.values()
    ]
