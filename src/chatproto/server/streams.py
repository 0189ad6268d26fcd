"""The stream of one device, read from the store: both bindings read it here.

A body covers what happened after `since` and up to `until`, whatever happens
meanwhile; so whoever holds back live news from `until` on misses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import trio
from attrs import define, evolve

from chatproto.canonical import JsonObject
from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.ports import AccountDataRow, Clock, MembershipRow, Store
from chatproto.server.client_format import Formats
from chatproto.server.filters import SyncFilter
from chatproto.server.joined import JoinedRooms
from chatproto.server.outside import OutsideRooms
from chatproto.server.pages import Pages
from chatproto.server.positions import Position
from chatproto.server.presence import Ephemeral
from chatproto.server.push_rules import PUSH_RULES, RECOUNTING, content_of
from chatproto.server.rooms import RoomCache
from chatproto.server.spans import RoomNews, Span, account_events, put_events
from chatproto.server.unread import UnreadCounts
from chatproto.server.visible import Visible

TO_DEVICE_LIMIT = 100


@define(eq=False)
class Streams:
    """Makes sync bodies (docs/protocol/sync.md)."""

    store: Store
    cache: RoomCache
    ephemeral: Ephemeral
    joined: JoinedRooms
    outside: OutsideRooms
    clock: Clock

    @classmethod
    def over(
        cls,
        store: Store,
        cache: RoomCache,
        ephemeral: Ephemeral,
        visible: Visible,
        formats: Formats,
        pages: Pages,
        unread: UnreadCounts,
        clock: Clock,
    ) -> Streams:
        joined = JoinedRooms(store, cache, ephemeral, visible, formats, pages, unread)
        outside = OutsideRooms(store, cache, visible, formats, pages)
        return cls(store, cache, ephemeral, joined, outside, clock)

    async def body(
        self,
        user_id: UserId,
        device_id: DeviceId | None,
        since: Position | None,
        until: Position,
        want: SyncFilter,
    ) -> JsonObject:
        """All that is new for a device after `since`, up to `until`."""
        if want.bundles:  # whoever folds the stream by seq needs all of it
            want = evolve(want, ignored=await self.joined.unread.ignored(user_id))
        span = Span(
            user_id=user_id,
            device_id=device_id,
            since=since,
            until=until,
            want=want,
            now_ms=self.clock.now_ms(),
        )
        to_device, span = await self._to_device(span)
        body: JsonObject = {"next_batch": str(span.until)}
        data = await self._account_data(span)
        await self._rooms(span, data, body)
        await self._presence(span, body)
        put_events(body, "account_data", account_events(data, None, want))
        put_events(body, "to_device", to_device)
        await self._keys(span, body)
        return body

    async def _keys(self, span: Span, body: JsonObject) -> None:
        """What clients need to know to encrypt: for whom, and with how many keys left."""
        if span.since is not None:
            changes = await self.store.device_changes(
                span.user_id, after=span.after, until=span.until.pos
            )
            if changes.changed or changes.left:
                body["device_lists"] = {
                    "changed": sorted(changes.changed),
                    "left": sorted(changes.left),
                }
        # Said even where there are none: clients take a missing count for no news.
        counts: JsonObject = {"signed_curve25519": 0}
        unused: tuple[str, ...] = ()
        if span.device_id is not None:
            left = await self.store.key_counts(span.user_id, span.device_id)
            counts |= left.one_time
            unused = left.unused_fallback
        body["device_one_time_keys_count"] = counts
        body["device_unused_fallback_key_types"] = list(unused)

    async def _to_device(self, span: Span) -> tuple[list[JsonObject], Span]:
        if span.device_id is None:
            return [], span
        if span.since is not None:
            self.store.confirm_to_device(span.user_id, span.device_id, span.after)
        rows = await self.store.to_device(
            span.user_id,
            span.device_id,
            after=span.after,  # what is confirmed may not have been deleted yet
            until=span.until.pos,
            limit=TO_DEVICE_LIMIT,
        )
        if len(rows) == TO_DEVICE_LIMIT:
            # The next position confirms these; it must not confirm those behind.
            span = evolve(span, until=evolve(span.until, pos=rows[-1].pos))
        events = [
            {"sender": r.sender, "type": r.type, "content": r.content} for r in rows
        ]
        return events, span

    async def _account_data(self, span: Span) -> Sequence[AccountDataRow]:
        """With the push rules as they are now: what is stored, over what all have."""
        found = await self.store.account_data(
            span.user_id, after=span.after, until=span.until.pos
        )
        data = [row for row in found if not _is_push_rules(row)]
        stored = next((row for row in found if _is_push_rules(row)), None)
        if stored is None and (span.since is not None or not span.want.bundles):
            return data
        rules = await self.joined.unread.rules(span.user_id)
        row = AccountDataRow(
            pos=0 if stored is None else stored.pos,
            room_id=None,
            type=PUSH_RULES,
            content=content_of(rules),
        )
        return [*data, row]

    # rooms

    async def _rooms(
        self,
        span: Span,
        data: Sequence[AccountDataRow],
        body: JsonObject,
    ) -> None:
        members = await self.store.memberships(span.user_id)
        wanted = [m for m in members if span.want.wants_room(m.room_id)]
        news = await self._news(span, wanted, data)
        changed = set(
            await self.store.rooms_changed(span.user_id, span.after, span.until.pos),
        )
        recounted = span.since is not None and any(map(_recounts, data))
        sections: dict[str, dict[str, JsonObject]] = defaultdict(dict)
        for member in wanted:
            # A user in hundreds of rooms keeps nobody else waiting.
            await trio.lowlevel.checkpoint()
            name = _SECTIONS.get(member.membership)
            section: JsonObject | None = None
            if name == "join":
                is_news = member.room_id in changed or span.want.full_state
                section = await self.joined.section(
                    span, member, news, is_news=is_news, recounted=recounted
                )
            elif name == "leave" and member.pos > span.after:
                section = await self.outside.left(span, member)
            elif name is not None and member.pos > span.after:
                section = await self.outside.asked(member, span.want.ignored)
            if name is not None and section is not None:
                sections[name][member.room_id] = section
        if sections:
            body["rooms"] = dict(sections)

    async def _news(
        self,
        span: Span,
        members: Sequence[MembershipRow],
        data: Sequence[AccountDataRow],
    ) -> Mapping[RoomId, RoomNews]:
        news: dict[RoomId, RoomNews] = defaultdict(RoomNews)
        joined = [m.room_id for m in members if m.membership == "join"]
        if not span.want.ephemeral.passes_nothing:
            for row in await self.store.receipts(
                joined,
                after=span.after,
                until=span.until.pos,
            ):
                private = row.type != "m.read" and row.user_id != span.user_id
                if not private:
                    news[row.room_id].receipts.append(row)
        for datum in data:
            if datum.room_id is not None:
                news[datum.room_id].account_data.append(datum)
        return news

    # presence

    async def _presence(self, span: Span, body: JsonObject) -> None:
        if span.want.presence.passes_nothing:
            return
        met = await self._met(span, body)
        if self.ephemeral.eph <= span.eph and not met:
            return
        users = {span.user_id, *await self.store.shared_users(span.user_id)}
        now_ms = self.ephemeral.now_ms
        found = dict(self.ephemeral.presence_since(users - met, span.eph))
        found |= dict(self.ephemeral.presence_since(met & users, 0))
        events = [
            {"type": "m.presence", "sender": user, "content": p.content(now_ms)}
            for user, p in found.items()
        ]
        put_events(
            body, "presence", [e for e in events if span.want.presence.passes(e)]
        )

    async def _met(self, span: Span, body: JsonObject) -> set[UserId]:
        """Who is in the rooms that are new to the device: they may be known to no one
        else of this device's rooms.
        """
        if span.since is None:
            return set()
        met: set[UserId] = set()
        for room_id, section in body.get("rooms", {}).get("join", {}).items():
            if section["org.chatproto.room"]["initial"]:
                live = await self.cache.load(room_id)
                met |= set(live.timeline.state.members("join")) if live else set()
        return met


def _recounts(row: AccountDataRow) -> bool:
    return row.type in RECOUNTING and row.room_id is None


def _is_push_rules(row: AccountDataRow) -> bool:
    return row.type == PUSH_RULES and row.room_id is None


_SECTIONS = {
    "join": "join",
    "invite": "invite",
    "knock": "knock",
    "leave": "leave",
    "ban": "leave",
}
