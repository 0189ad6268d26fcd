"""The stream of one device, read from the store: both bindings read it here.

A body covers what happened after `since` and up to `until`, whatever happens
meanwhile; so whoever holds back live news from `until` on misses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import trio
from attrs import define, evolve, field, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import SeenEvent
from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.ports import AccountDataRow, MembershipRow, ReceiptRow, RoomRow, Store
from chatproto.rooms.state import RoomState
from chatproto.server.client_format import in_room, seen_by_clients
from chatproto.server.filters import SyncFilter
from chatproto.server.positions import Position, history_token
from chatproto.server.presence import Ephemeral
from chatproto.server.rooms import RoomCache
from chatproto.server.visible import Visible

TO_DEVICE_LIMIT = 100
HEROES = 5
_STRIPPED = (
    "m.room.create",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.encryption",
)


@frozen(kw_only=True)
class _Span:
    """What one body is about."""

    user_id: UserId
    device_id: DeviceId | None
    since: Position | None
    until: Position
    want: SyncFilter

    @property
    def after(self) -> int:
        return self.since.pos if self.since else 0

    @property
    def eph(self) -> int:
        """Ephemeral news of another start of the server are all news."""
        same = self.since is not None and self.since.boot == self.until.boot
        return self.since.eph if same and self.since else 0


@define
class _RoomNews:
    receipts: list[ReceiptRow] = field(factory=list)
    account_data: list[AccountDataRow] = field(factory=list)


@define(eq=False)
class Streams:
    """Makes sync bodies (docs/protocol/sync.md)."""

    store: Store
    cache: RoomCache
    ephemeral: Ephemeral
    visible: Visible

    async def body(
        self,
        user_id: UserId,
        device_id: DeviceId | None,
        since: Position | None,
        until: Position,
        want: SyncFilter,
    ) -> JsonObject:
        """All that is new for a device after `since`, up to `until`."""
        span = _Span(
            user_id=user_id,
            device_id=device_id,
            since=since,
            until=until,
            want=want,
        )
        to_device, span = await self._to_device(span)
        body: JsonObject = {"next_batch": str(span.until)}
        data = await self.store.account_data(
            user_id,
            after=span.after,
            until=span.until.pos,
        )
        await self._rooms(span, data, body)
        await self._presence(span, body)
        _put(body, "account_data", _account_events(data, None, want))
        _put(body, "to_device", to_device)
        body["device_one_time_keys_count"] = {"signed_curve25519": 0}
        body["device_unused_fallback_key_types"] = []
        return body

    async def _to_device(self, span: _Span) -> tuple[list[JsonObject], _Span]:
        if span.device_id is None:
            return [], span
        if span.since is not None:
            self.store.confirm_to_device(span.user_id, span.device_id, span.after)
        rows = await self.store.to_device(
            span.user_id,
            span.device_id,
            after=0,
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

    # rooms

    async def _rooms(
        self,
        span: _Span,
        data: Sequence[AccountDataRow],
        body: JsonObject,
    ) -> None:
        members = await self.store.memberships(span.user_id)
        wanted = [m for m in members if span.want.wants_room(m.room_id)]
        news = await self._news(span, wanted, data)
        changed = set(
            await self.store.rooms_changed(span.user_id, span.after, span.until.pos),
        )
        sections: dict[str, dict[str, JsonObject]] = defaultdict(dict)
        for member in wanted:
            # A user in hundreds of rooms keeps nobody else waiting.
            await trio.lowlevel.checkpoint()
            name = _SECTIONS.get(member.membership)
            section: JsonObject | None = None
            if name == "join":
                is_news = member.room_id in changed or span.want.full_state
                section = await self._joined(span, member, news, is_news=is_news)
            elif name is not None and member.pos > span.after:
                section = await self._not_joined(span, member, name)
            if name is not None and section is not None:
                sections[name][member.room_id] = section
        if sections:
            body["rooms"] = dict(sections)

    async def _news(
        self,
        span: _Span,
        members: Sequence[MembershipRow],
        data: Sequence[AccountDataRow],
    ) -> Mapping[RoomId, _RoomNews]:
        news: dict[RoomId, _RoomNews] = defaultdict(_RoomNews)
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

    async def _joined(
        self,
        span: _Span,
        member: MembershipRow,
        news: Mapping[RoomId, _RoomNews],
        *,
        is_news: bool,
    ) -> JsonObject | None:
        room_id = member.room_id
        initial = span.since is None or member.changed_pos > span.after
        own = news.get(room_id)
        if initial:
            own = await self._whole(span, room_id, own)
        typing = self.ephemeral.typing_since(room_id, span.eph)
        if not (initial or is_news or own or typing):
            return None
        room = await self.store.room(room_id)
        if room is None:
            return None
        through = room.seq
        if room.last_pos > span.until.pos:
            through = await self.store.seq_at(room_id, span.until.pos)
        section: JsonObject = {}
        if initial or is_news:
            await self._timeline(span, member, room, through, section, initial=initial)
        self._ephemeral(span, room_id, own, section, typing=typing)
        rows = own.account_data if own else []
        _put(section, "account_data", _account_events(rows, room_id, span.want))
        await self._counts(span, member, room, through, section, initial=initial)
        return section

    async def _whole(
        self,
        span: _Span,
        room_id: RoomId,
        own: _RoomNews | None,
    ) -> _RoomNews:
        """A room that is new to the device: what was before `since` is news as well."""
        if span.since is None:
            return own or _RoomNews()
        until = span.until.pos
        receipts = await self.store.receipts([room_id], after=0, until=until)
        data = await self.store.account_data(span.user_id, after=0, until=until)
        return _RoomNews(
            [r for r in receipts if r.type == "m.read" or r.user_id == span.user_id],
            [d for d in data if d.room_id == room_id],
        )

    async def _timeline(
        self,
        span: _Span,
        member: MembershipRow,
        room: RoomRow,
        through: int,
        section: JsonObject,
        *,
        initial: bool,
    ) -> None:
        room_id, want = room.room_id, span.want
        start = 0 if initial else await self.store.seq_at(room_id, span.after)
        ranges = await self.visible.ranges(room_id, span.user_id, through)
        found = await self.store.events(
            room_id,
            after=start,
            before=through + 1,
            limit=want.timeline_limit + 1,
            backwards=True,
            ranges=ranges,
        )
        shown = list(reversed(found[: want.timeline_limit]))
        limited = len(found) > want.timeline_limit
        first = shown[0].seq if shown else through + 1
        if initial and not limited and first > 1 and shown:
            limited = any(low < first for low, _ in ranges)
        events = [in_room(await self.client_event(e, age_at=None)) for e in shown]
        section["timeline"] = {
            "events": [e for e in events if want.timeline.passes(e)],
            "limited": limited,
            "prev_batch": history_token(first - 1),
        }
        whole = initial or want.full_state
        await self._state(
            span, room_id, 0 if whole else start, first, through, shown, section
        )
        await self._summary(span, room_id, section)

    async def _state(
        self,
        span: _Span,
        room_id: RoomId,
        start: int,
        first: int,
        through: int,
        shown: Sequence[SeenEvent],
        section: JsonObject,
    ) -> None:
        end = through if span.want.state_after else first - 1
        if start == 0:
            found = await self.store.state_at(room_id, end)
        elif end > start:
            found = await self.store.state_between(room_id, start, end)
        else:
            found = ()
        events: Iterable[SeenEvent] = found
        if span.want.lazy_members:
            needed = {e.pdu.sender for e in shown} | {span.user_id}
            if start == 0:
                needed |= set(await self._heroes(span.user_id, room_id))
            events = [e for e in found if _is_needed(e, needed)]
        formatted = [in_room(seen_by_clients(e)) for e in events]
        passed = [e for e in formatted if span.want.state.passes(e)]
        section["state_after" if span.want.state_after else "state"] = {
            "events": passed,
        }

    async def _summary(self, span: _Span, room_id: RoomId, section: JsonObject) -> None:
        live = await self.cache.load(room_id)
        if live is not None:
            state = live.timeline.state
            section["summary"] = {
                "m.heroes": _heroes(state, span.user_id),
                "m.joined_member_count": len(state.members("join")),
                "m.invited_member_count": len(state.members("invite")),
            }

    async def _heroes(self, user_id: UserId, room_id: RoomId) -> list[UserId]:
        live = await self.cache.load(room_id)
        return _heroes(live.timeline.state, user_id) if live else []

    def _ephemeral(
        self,
        span: _Span,
        room_id: RoomId,
        news: _RoomNews | None,
        section: JsonObject,
        *,
        typing: bool,
    ) -> None:
        events: list[JsonObject] = []
        if typing:
            users = self.ephemeral.typing(room_id)
            events.append({"type": "m.typing", "content": {"user_ids": users}})
        if news and any(r.type != "m.fully_read" for r in news.receipts):
            events.append({"type": "m.receipt", "content": _receipts(news.receipts)})
        _put(section, "ephemeral", [e for e in events if span.want.ephemeral.passes(e)])

    async def _counts(
        self,
        span: _Span,
        member: MembershipRow,
        room: RoomRow,
        through: int,
        section: JsonObject,
        *,
        initial: bool,
    ) -> None:
        unread = await self.store.unread(room.room_id, span.user_id, through=through)
        section["unread_notifications"] = {
            "notification_count": unread.notification_count,
            "highlight_count": unread.highlight_count,
        }
        section["org.chatproto.room"] = {
            "initial": initial,
            "bump": bump(room, member),
            "joined_seq": member.changed_seq,
            "read_seq": unread.read_seq,
            "through": unread.through,
        }

    async def _not_joined(
        self,
        span: _Span,
        member: MembershipRow,
        name: str,
    ) -> JsonObject | None:
        if name == "leave":
            return await self._left(span, member)
        live = await self.cache.load(member.room_id)
        if live is None:
            return None
        state = stripped_state(live.timeline.state, member.user_id)
        return {
            f"{name}_state": {"events": state},
            "org.chatproto.room": {"bump": member.changed_pos},
        }

    async def _left(self, span: _Span, member: MembershipRow) -> JsonObject | None:
        if member.forgotten or (span.since is None and not span.want.include_leave):
            return None
        start = await self.store.seq_at(member.room_id, span.after)
        ranges = await self.visible.ranges(member.room_id, span.user_id, member.seq)
        found = await self.store.events(
            member.room_id,
            after=start,
            before=member.seq + 1,
            limit=span.want.timeline_limit + 1,
            backwards=True,
            ranges=ranges,
        )
        shown = list(reversed(found[: span.want.timeline_limit]))
        first = shown[0].seq if shown else member.seq
        return {
            "timeline": {
                "events": [in_room(await self.client_event(e)) for e in shown],
                "limited": len(found) > span.want.timeline_limit,
                "prev_batch": history_token(first - 1),
            },
            "state": {"events": []},
        }

    async def client_event(
        self,
        event: SeenEvent,
        *,
        age_at: int | None = None,
    ) -> JsonObject:
        """An event as clients see it; a redaction with the place of its target."""
        redacts: JsonObject | None = None
        target = event.pdu.redacts if event.pdu.type == "m.room.redaction" else None
        if target is not None:
            seen = await self.store.event(event.pdu.room_id, target)
            if seen is not None:
                mine = seen.redacted_by == event.pdu.event_id
                redacts = {"seq": seen.seq, "counts": seen.counts and mine}
        return seen_by_clients(event, now_ms=age_at, redacts=redacts)

    # presence

    async def _presence(self, span: _Span, body: JsonObject) -> None:
        if self.ephemeral.eph <= span.eph or span.want.presence.passes_nothing:
            return
        users = {span.user_id, *await self.store.shared_users(span.user_id)}
        now_ms = self.ephemeral.now_ms
        events = [
            {"type": "m.presence", "sender": user, "content": p.content(now_ms)}
            for user, p in self.ephemeral.presence_since(users, span.eph)
        ]
        _put(body, "presence", [e for e in events if span.want.presence.passes(e)])


def bump(room: RoomRow, member: MembershipRow) -> int:
    """The room's place in the member's list (docs/protocol/sync.md, List order)."""
    own = room.bump_sender == member.user_id
    return max(member.changed_pos, room.bump_other_pos if own else room.bump_pos)


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


_SECTIONS = {
    "join": "join",
    "invite": "invite",
    "knock": "knock",
    "leave": "leave",
    "ban": "leave",
}


def _heroes(state: RoomState, user_id: UserId) -> list[UserId]:
    others = [u for u in state.members("join") if u != user_id]
    others += [u for u in state.members("invite") if u != user_id]
    if not others:
        others = [u for u in state.members("leave") if u != user_id]
    return others[:HEROES]


def _is_needed(event: SeenEvent, users: set[UserId]) -> bool:
    return event.pdu.type != "m.room.member" or event.pdu.state_key in users


def _receipts(rows: Sequence[ReceiptRow]) -> JsonObject:
    content: JsonObject = {}
    for row in rows:
        if row.type == "m.fully_read":
            continue
        data: JsonObject = {"ts": row.ts, "org.chatproto.seq": row.seq}
        if row.thread_id:
            data["thread_id"] = row.thread_id
        of_event = content.setdefault(row.event_id, {})
        of_event.setdefault(row.type, {})[row.user_id] = data
    return content


def _account_events(
    rows: Sequence[AccountDataRow],
    room_id: RoomId | None,
    want: SyncFilter,
) -> list[JsonObject]:
    passes = want.account_data if room_id is None else want.room_account_data
    events = [
        {"type": r.type, "content": r.content} for r in rows if r.room_id == room_id
    ]
    return [e for e in events if passes.passes(e)]


def _put(body: JsonObject, key: str, events: list[JsonObject]) -> None:
    if events:
        body[key] = {"events": events}
