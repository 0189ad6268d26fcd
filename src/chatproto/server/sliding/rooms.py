"""The answers about single rooms, read from the store."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import SeenEvent
from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.ports import MembershipRow, RoomRow, Store
from chatproto.rooms.state import RoomState
from chatproto.server.client_format import Formats, in_room
from chatproto.server.filters import SyncFilter
from chatproto.server.joined import bump, heroes
from chatproto.server.outside import stripped_state
from chatproto.server.pages import Pages, Viewer
from chatproto.server.positions import Position, history_token
from chatproto.server.rooms import RoomCache
from chatproto.server.sliding.connection import KnownRoom
from chatproto.server.sliding.plan import (
    Plan,
    SentTimeline,
    changed,
    digests,
    plan,
)
from chatproto.server.sliding.wanted import RoomWanted, WantedState
from chatproto.server.unread import UnreadCounts
from chatproto.server.visible import Visible

_BUNDLED = SyncFilter(bundles=True)
_MEMBER = "m.room.member"


@frozen(kw_only=True)
class Reader:
    """Who reads, from which position (None: from nothing) up to which."""

    user_id: UserId
    device_id: DeviceId | None
    since: Position | None
    until: Position
    now_ms: int


@frozen
class RoomAnswer:
    """What is sent of a room, and what the client knows then; `json` None: nothing."""

    json: JsonObject | None
    known: KnownRoom | None


@define(eq=False)
class SlidingRooms:
    """Makes the objects under `rooms` (docs/protocol/sliding-sync.md)."""

    store: Store
    cache: RoomCache
    visible: Visible
    formats: Formats
    pages: Pages
    unread: UnreadCounts

    async def joined(
        self,
        reader: Reader,
        member: MembershipRow,
        room: RoomRow,
        known: KnownRoom | None,
        wanted: RoomWanted,
        *,
        is_dm: bool,
    ) -> RoomAnswer:
        """A room that the user is in."""
        through = await self.through(room, reader.until)
        todo = plan(known, wanted, member.membership, through)
        state = await self.state(room.room_id, through)
        fields = await self._fields(reader, member, room, state, through, is_dm=is_dm)
        said = None if todo.known is None else todo.known.fields
        if room.last_pos > reader.until.pos and said is not None:
            del fields["bump_stamp"]  # of what is told with the next answer
        json = changed(fields, said)
        sent = await self._timeline(reader, room.room_id, todo, json)
        required = await self._required(room.room_id, todo, state, sent)
        if required.events:
            json["required_state"] = required.events
        known_fields = {**(said or {}), **digests(fields)}
        after = todo.after(sent.timeline, known_fields, required.members)
        if todo.initial:
            json["initial"] = True
        elif not json:
            return RoomAnswer(None, after)
        if json.get("heroes") is None:
            json.pop("heroes", None)
        return RoomAnswer(json, after)

    async def asked(
        self, member: MembershipRow, known: KnownRoom | None, *, is_dm: bool
    ) -> RoomAnswer:
        """An invitation, or a knock of one's own."""
        live = await self.cache.load(member.room_id)
        if live is None:
            return RoomAnswer(None, known)
        fields: JsonObject = {
            "membership": member.membership,
            "bump_stamp": member.changed_pos,
            "is_dm": is_dm,
            "invite_state": stripped_state(live.timeline.state, member.user_id),
        }
        is_new = known is None or known.membership != member.membership
        json = changed(fields, None if known is None or is_new else known.fields)
        if is_new:
            json["initial"] = True
        after = KnownRoom(
            membership=member.membership,
            first=0,
            through=member.seq,
            wanted=RoomWanted(0, WantedState()),
            fields=digests(fields),
        )
        return RoomAnswer(json or None, after)

    async def left(
        self,
        reader: Reader,
        member: MembershipRow,
        known: KnownRoom,
        wanted: RoomWanted,
    ) -> RoomAnswer:
        """A room that the user has left, or was put out of, up to that moment."""
        json: JsonObject = {
            "membership": member.membership,
            "bump_stamp": member.changed_pos,
        }
        own = await self.store.events_at(member.room_id, [member.seq])
        required: list[JsonObject] = []
        if known.membership == "join":
            todo = plan(known, wanted, "join", member.seq)
            state = await self.state(member.room_id, member.seq)
            sent = await self._timeline(reader, member.room_id, todo, json)
            found = await self._required(member.room_id, todo, state, sent)
            required = found.events
        told = {event["event_id"] for event in required}
        for event in map(in_room, await self.formats.client_events(own)):
            if event["event_id"] not in told:
                required.append(event)
        json["required_state"] = required
        return RoomAnswer(json, None)

    async def gone(
        self,
        reader: Reader,
        member: MembershipRow,
        wanted: RoomWanted,
        *,
        is_missed: bool,
    ) -> JsonObject | None:
        """A room that the user is no longer in, to a client that starts anew.

        They hear of it if they were put out of it, or if it `is_missed`: that happened
        while a client was away that has shown the room.
        """
        own = await self.store.events_at(member.room_id, [member.seq])
        was_put_out = any(event.pdu.sender != member.user_id for event in own)
        if not is_missed and (member.forgotten or not was_put_out):
            return None
        changes = await self.visible.members(member.room_id, member.user_id)
        was_in = any(e.pdu.content.get("membership") == "join" for e in changes)
        if not (was_in or is_missed):
            return None
        json: JsonObject = {
            "initial": True,
            "membership": member.membership,
            "bump_stamp": member.changed_pos,
        }
        if was_in:
            todo = plan(None, wanted, member.membership, member.seq)
            state = await self.state(member.room_id, member.seq)
            json |= changed(_names(state, member.user_id), None)
            await self._timeline(reader, member.room_id, todo, json)
        events = await self.formats.client_events(own)
        json["required_state"] = list(map(in_room, events))
        return json

    async def through(self, room: RoomRow, until: Position) -> int:
        """The seq up to which a room is told at a position."""
        if room.last_pos > until.pos:
            return await self.store.seq_at(room.room_id, until.pos)
        return room.seq

    async def state(self, room_id: RoomId, through: int) -> RoomState:
        """The state after event `through`, which may not be the newest."""
        live = await self.cache.load(room_id)
        if live is not None and live.timeline.seq == through:
            return live.timeline.state
        found = await self.store.state_at(room_id, through)
        return RoomState.of(event.pdu for event in found)

    async def _fields(
        self,
        reader: Reader,
        member: MembershipRow,
        room: RoomRow,
        state: RoomState,
        through: int,
        *,
        is_dm: bool,
    ) -> JsonObject:
        unread = await self.unread.of(room.room_id, reader.user_id, through=through)
        return {
            **_names(state, reader.user_id),
            "is_dm": is_dm,
            "membership": member.membership,
            "joined_count": len(state.members("join")),
            "invited_count": len(state.members("invite")),
            "notification_count": 0 if unread.is_muted else unread.notification_count,
            "highlight_count": 0 if unread.is_muted else unread.highlight_count,
            "bump_stamp": bump(room, member),
        }

    async def _timeline(
        self, reader: Reader, room_id: RoomId, todo: Plan, json: JsonObject
    ) -> _Sent:
        limit, through = todo.wanted.timeline_limit, todo.through
        if through <= todo.start and not (todo.initial or todo.expands):
            nothing = SentTimeline(first=through + 1, has_gap=False)
            return _Sent((), nothing)
        members = await self.visible.members(room_id, reader.user_id)
        ranges = await self.visible.ranges_by(room_id, members, through)
        found = await self.store.events(
            room_id,
            after=0 if todo.expands else todo.start,
            before=through + 1,
            limit=limit + 1,
            backwards=True,
            ranges=ranges,
        )
        shown = list(reversed(found[:limit]))
        limited = len(found) > limit
        if todo.expands and todo.known is not None:
            if shown and shown[0].seq < todo.known.first:
                # Only then does matrix-js-sdk look what of it it has already.
                json["unstable_expanded_timeline"] = limited = True
            else:
                limited = limited and found[limit].seq > todo.start
                shown = [event for event in shown if event.seq > todo.start]
        if not (shown or limited or todo.initial):
            return _Sent((), SentTimeline(first=through + 1, has_gap=False))
        first = shown[0].seq if shown else through + 1
        if todo.initial and shown and not limited:
            limited = any(low < first for low, _ in ranges)
        viewer = Viewer(
            user_id=reader.user_id,
            device_id=reader.device_id,
            now_ms=reader.now_ms,
            through=through,
            members=members,
        )
        if shown:
            json["timeline"] = await self.pages.timeline(
                room_id, shown, viewer, _BUNDLED
            )
            since = reader.since
            live = [e for e in shown if since is not None and e.pos > since.pos]
            json["num_live"] = len(live)
        json["limited"] = limited
        json["prev_batch"] = history_token(first - 1)
        has_gap = limited and "unstable_expanded_timeline" not in json
        return _Sent(shown, SentTimeline(first=first, has_gap=has_gap))

    async def _required(
        self, room_id: RoomId, todo: Plan, state: RoomState, sent: _Sent
    ) -> _Required:
        wanted = todo.wanted.state
        by_seq: dict[int, SeenEvent] = {}
        if not todo.initial and todo.through > todo.start:
            for event in await self.store.state_between(
                room_id, todo.start, todo.through
            ):
                event_type, key = event.pdu.type, event.pdu.state_key or ""
                follows = wanted.lazy_members and event_type == _MEMBER
                if wanted.matches(event_type, key) or (
                    follows and not sent.timeline.has_gap
                ):
                    by_seq[event.seq] = event
        if todo.wants_more_state:
            for event in await self._newly(room_id, todo, state):
                by_seq[event.seq] = event
        users: frozenset[UserId] = frozenset()
        if wanted.lazy_members:
            users = _speaking(sent.events) - todo.has_members(sent.timeline)
            for event in await self.store.members_at(room_id, users, todo.through):
                by_seq[event.seq] = event
        events = [by_seq[seq] for seq in sorted(by_seq)]
        formatted = map(in_room, await self.formats.client_events(events))
        return _Required(list(formatted), users)

    async def _newly(
        self, room_id: RoomId, todo: Plan, state: RoomState
    ) -> Sequence[SeenEvent]:
        """The state that the client has not been sent because it did not want it."""
        exact = todo.wanted.state.exact
        if exact is None:
            return [
                event
                for event in await self.store.state_at(room_id, todo.through)
                if todo.newly_wants(event.pdu.type, event.pdu.state_key or "")
            ]
        pdus = [state.get(*pair) for pair in exact if todo.newly_wants(*pair)]
        found = [
            await self.store.event(room_id, pdu.event_id)
            for pdu in pdus
            if pdu is not None
        ]
        return [event for event in found if event is not None]


@frozen
class _Sent:
    events: Sequence[SeenEvent]
    timeline: SentTimeline


@frozen
class _Required:
    """State that is sent; `members` are those of whom it is because they spoke."""

    events: list[JsonObject]
    members: frozenset[UserId]


def _speaking(events: Sequence[SeenEvent]) -> frozenset[UserId]:
    """Who sent events, and whom they made members or not."""
    users = {event.pdu.sender for event in events}
    return frozenset(users).union(
        UserId(event.pdu.state_key or "")
        for event in events
        if event.pdu.type == _MEMBER
    )


def _names(state: RoomState, user_id: UserId) -> JsonObject:
    """What a room is called and looks like; without a name, by who is in it."""
    name = state.content("m.room.name").get("name")
    avatar = state.content("m.room.avatar").get("url")
    has_name = isinstance(name, str) and name != ""
    return {
        "name": name if has_name else None,
        "avatar": avatar if isinstance(avatar, str) and avatar else None,
        "heroes": None if has_name else _heroes(state, user_id),
    }


def _heroes(state: RoomState, user_id: UserId) -> list[JsonObject]:
    found: list[JsonObject] = []
    for hero in heroes(state, user_id):
        content = state.content(_MEMBER, hero)
        names = {
            key: content[key]
            for key in ("displayname", "avatar_url")
            if isinstance(content.get(key), str)
        }
        found.append({"user_id": hero, **names})
    return found
