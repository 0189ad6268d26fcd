"""One answer of a connection: from the step that the client is at to the next."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import RoomId
from chatproto.operations.sliding_sync import Extensions
from chatproto.ports import Store
from chatproto.server.client_format import Formats
from chatproto.server.pages import Pages
from chatproto.server.presence import Ephemeral
from chatproto.server.rooms import RoomCache
from chatproto.server.sliding.connection import (
    Connections,
    Followed,
    KnownRoom,
    Marks,
    Step,
)
from chatproto.server.sliding.extensions import SlidingExtensions
from chatproto.server.sliding.listing import IN_LISTS, Listing, Listings
from chatproto.server.sliding.plan import plan
from chatproto.server.sliding.required import RequiredStates
from chatproto.server.sliding.rooms import RoomAnswer, SlidingRooms
from chatproto.server.sliding.timelines import Reader, Timelines
from chatproto.server.sliding.wanted import RoomWanted, WantedState
from chatproto.server.sliding.windows import Asked, Seen, look
from chatproto.server.unread import UnreadCounts
from chatproto.server.visible import Visible

_LAST_WORDS = RoomWanted(20, WantedState())


@frozen
class Answer:
    """What is sent, and what the client knows once it has got it."""

    body: JsonObject
    step: Step
    has_news: bool


@frozen
class _Rooms:
    json: Mapping[RoomId, JsonObject]
    known: Mapping[RoomId, KnownRoom]


@define(eq=False)
class Sliding:
    """Makes answers (docs/protocol/sliding-sync.md)."""

    store: Store
    listings: Listings
    rooms: SlidingRooms
    extensions: SlidingExtensions
    connections: Connections = field(factory=Connections)

    @classmethod
    def over(
        cls,
        store: Store,
        cache: RoomCache,
        visible: Visible,
        formats: Formats,
        pages: Pages,
        ephemeral: Ephemeral,
        unread: UnreadCounts,
    ) -> Sliding:
        rooms = SlidingRooms(
            store,
            cache,
            visible,
            formats,
            Timelines(store, visible, pages),
            RequiredStates(store, cache, formats),
            unread,
        )
        extensions = SlidingExtensions(store, ephemeral, unread)
        return cls(store, Listings(store, cache), rooms, extensions)

    async def make(
        self,
        reader: Reader,
        asked: Asked,
        extensions: Extensions,
        base: Step | None,
        *,
        lost: int | None = None,
    ) -> Answer:
        """The answer to who is at a step; None: to who knows nothing, or is `lost`, and
        knew all up to a pos.
        """
        listing = await self.listings.read(reader.user_id, asked, reader.until)
        seen = look(asked, listing.listed)
        rooms = await self._rooms(reader, listing, seen, base)
        if base is None:
            rooms = await self._with_gone(reader, listing, rooms, lost)
        extended = await self.extensions.read(
            reader, extensions, seen, rooms.known, base, lost=lost
        )
        body: JsonObject = {
            "lists": {name: {"count": n} for name, n in seen.counts.items()},
            "rooms": dict(rooms.json),
            "extensions": extended.json,
        }
        before = Followed() if base is None else base.followed
        at = 0 if base is None else base.at.pos
        step = Step(
            number=self.connections.next_number(),
            at=reader.until,
            rooms=rooms.known,
            followed=before.moved(frozenset(seen.rooms), at),
            counts=seen.counts,
            marks=Marks(**extended.marks),
        )
        is_recounted = base is None or base.counts != seen.counts
        has_news = bool(rooms.json) or extended.has_news or is_recounted
        return Answer(body, step, has_news)

    async def _rooms(
        self, reader: Reader, listing: Listing, seen: Seen, base: Step | None
    ) -> _Rooms:
        known = dict(base.rooms) if base else {}
        touched = await self._touched(reader, base)
        found: dict[RoomId, JsonObject] = {}
        for room_id, wanted in seen.rooms.items():
            before = known.get(room_id)
            if self._is_unchanged(room_id, wanted, listing, base, touched):
                continue
            answer = await self._room(reader, listing, room_id, before, wanted)
            if answer.known is not None:
                known[room_id] = answer.known
            if answer.json is not None:
                lists = seen.lists_of(room_id)
                found[room_id] = answer.json | ({"lists": lists} if lists else {})
        for room_id in [r for r in known if _is_gone(listing, r)]:
            member = listing.members.get(room_id)
            if member is not None:
                answer = await self.rooms.left(
                    reader, member, known[room_id], _LAST_WORDS
                )
                if answer.json is not None:
                    found[room_id] = answer.json
                del known[room_id]
        return _Rooms(found, known)

    async def _with_gone(
        self, reader: Reader, listing: Listing, rooms: _Rooms, lost: int | None
    ) -> _Rooms:
        """With the rooms that the user was put out of, and those that they left while
        a client was away that still shows them.
        """
        found = dict(rooms.json)
        for room_id, member in listing.members.items():
            if member.membership in IN_LISTS:
                continue
            missed = lost is not None and member.pos > lost
            json = await self.rooms.gone(reader, member, _LAST_WORDS, is_missed=missed)
            if json is not None:
                found[room_id] = json
        return _Rooms(found, rooms.known)

    async def _room(
        self,
        reader: Reader,
        listing: Listing,
        room_id: RoomId,
        known: KnownRoom | None,
        wanted: RoomWanted,
    ) -> RoomAnswer:
        member = listing.members[room_id]
        is_dm = room_id in listing.direct
        if member.membership != "join":
            return await self.rooms.asked(member, known, is_dm=is_dm)
        room = listing.rooms[room_id]
        return await self.rooms.joined(reader, member, room, known, wanted, is_dm=is_dm)

    def _is_unchanged(
        self,
        room_id: RoomId,
        wanted: RoomWanted,
        listing: Listing,
        base: Step | None,
        touched: _Touched,
    ) -> bool:
        """Whether nothing can have happened to what is sent of a room."""
        known = base.rooms.get(room_id) if base else None
        if base is None or known is None or room_id not in base.followed.live:
            return False
        member = listing.members[room_id]
        if touched.everything or room_id in touched.rooms or member.pos > base.at.pos:
            return False
        if member.membership != "join":
            return True
        through = max(known.through, listing.rooms[room_id].seq)
        return plan(known, wanted, member.membership, through).is_empty

    async def _touched(self, reader: Reader, base: Step | None) -> _Touched:
        """The rooms whose counts may have changed without an event in them."""
        if base is None:
            return _Touched()
        after, until = base.at.pos, reader.until.pos
        rows = await self.store.account_data(reader.user_id, after=after, until=until)
        everything = any(row.type in ("m.direct", "m.push_rules") for row in rows)
        receipts = await self.store.receipts(
            list(base.followed.live), after=after, until=until
        )
        mine = {row.room_id for row in receipts if row.user_id == reader.user_id}
        mine |= {row.room_id for row in rows if row.room_id is not None}
        return _Touched(frozenset(mine), everything)


@frozen
class _Touched:
    rooms: frozenset[RoomId] = frozenset()
    everything: bool = False


def _is_gone(listing: Listing, room_id: RoomId) -> bool:
    member = listing.members.get(room_id)
    return member is not None and member.membership not in IN_LISTS
