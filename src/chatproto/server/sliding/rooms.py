"""The answers about single rooms, read from the store."""

from __future__ import annotations

from attrs import define, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import UserId
from chatproto.ports import MembershipRow, RoomRow, Store
from chatproto.rooms.state import RoomState
from chatproto.server.client_format import Formats, in_room
from chatproto.server.joined import bump, heroes
from chatproto.server.outside import stripped_state
from chatproto.server.positions import Position
from chatproto.server.rooms import RoomCache
from chatproto.server.sliding.connection import KnownRoom
from chatproto.server.sliding.plan import (
    changed,
    digests,
    plan,
)
from chatproto.server.sliding.required import RequiredStates
from chatproto.server.sliding.timelines import Reader, Timelines
from chatproto.server.sliding.wanted import RoomWanted, WantedState
from chatproto.server.unread import UnreadCounts
from chatproto.server.visible import Visible

_MEMBER = "m.room.member"


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
    timelines: Timelines
    states: RequiredStates
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
        state = await self.states.at(room.room_id, through)
        fields = await self._fields(reader, member, room, state, through, is_dm=is_dm)
        said = None if todo.known is None else todo.known.fields
        if room.last_pos > reader.until.pos and said is not None:
            del fields["bump_stamp"]  # of what is told with the next answer
        json = changed(fields, said)
        sent = await self.timelines.put(reader, room.room_id, todo, json)
        required = await self.states.read(room.room_id, todo, state, sent)
        if required.events:
            json["required_state"] = required.events
        known_fields = {**(said or {}), **digests(fields)}
        after = todo.after(sent.cut, known_fields, required.members)
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
            state = await self.states.at(member.room_id, member.seq)
            sent = await self.timelines.put(reader, member.room_id, todo, json)
            found = await self.states.read(member.room_id, todo, state, sent)
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
            state = await self.states.at(member.room_id, member.seq)
            json |= changed(_names(state, member.user_id), None)
            await self.timelines.put(reader, member.room_id, todo, json)
        events = await self.formats.client_events(own)
        json["required_state"] = list(map(in_room, events))
        return json

    async def through(self, room: RoomRow, until: Position) -> int:
        """The seq up to which a room is told at a position."""
        if room.last_pos > until.pos:
            return await self.store.seq_at(room.room_id, until.pos)
        return room.seq

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
