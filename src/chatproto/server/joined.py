"""The section of a sync body about a room that the user is in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from attrs import define

from chatproto.canonical import JsonObject
from chatproto.decisions import SeenEvent
from chatproto.ids import RoomId, UserId
from chatproto.ports import MembershipRow, ReceiptRow, RoomRow, Store
from chatproto.rooms.state import RoomState
from chatproto.server.client_format import Formats, in_room
from chatproto.server.pages import Pages, Viewer
from chatproto.server.positions import history_token
from chatproto.server.presence import Ephemeral
from chatproto.server.rooms import RoomCache
from chatproto.server.spans import RoomNews, Span, account_events, put_events
from chatproto.server.unread import UnreadCounts
from chatproto.server.visible import Visible

HEROES = 5


@define(eq=False)
class JoinedRooms:
    """Makes the sections under `rooms.join` (docs/protocol/sync.md)."""

    store: Store
    cache: RoomCache
    ephemeral: Ephemeral
    visible: Visible
    formats: Formats
    pages: Pages
    unread: UnreadCounts

    async def section(
        self,
        span: Span,
        member: MembershipRow,
        news: Mapping[RoomId, RoomNews],
        *,
        is_news: bool,
        recounted: bool = False,
    ) -> JsonObject | None:
        """None if there is nothing to say; `recounted` says that the counts are to be
        told anew, since they are counted by other rules.
        """
        room_id = member.room_id
        initial = span.since is None or member.changed_pos > span.after
        own = news.get(room_id)
        if initial:
            own = await self._whole(span, room_id, own)
        typing = self.ephemeral.typing_since(room_id, span.eph)
        if not (initial or is_news or own or typing or recounted):
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
        put_events(section, "account_data", account_events(rows, room_id, span.want))
        await self._counts(span, member, room, through, section, initial=initial)
        if recounted:
            section["org.chatproto.room"]["recounted"] = True
        return section

    async def _whole(
        self,
        span: Span,
        room_id: RoomId,
        own: RoomNews | None,
    ) -> RoomNews:
        """A room that is new to the device: what was before `since` is news as well."""
        if span.since is None:
            return own or RoomNews()
        until = span.until.pos
        receipts = await self.store.receipts([room_id], after=0, until=until)
        data = await self.store.account_data(span.user_id, after=0, until=until)
        return RoomNews(
            [r for r in receipts if r.type == "m.read" or r.user_id == span.user_id],
            [d for d in data if d.room_id == room_id],
        )

    async def _timeline(
        self,
        span: Span,
        member: MembershipRow,
        room: RoomRow,
        through: int,
        section: JsonObject,
        *,
        initial: bool,
    ) -> None:
        room_id, want = room.room_id, span.want
        start = 0 if initial else await self.store.seq_at(room_id, span.after)
        members = await self.visible.members(room_id, span.user_id)
        ranges = await self.visible.ranges_by(room_id, members, through)
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
        viewer = Viewer(
            user_id=span.user_id,
            device_id=span.device_id,
            now_ms=span.now_ms,
            through=through,
            members=members,
        )
        section["timeline"] = {
            "events": await self.pages.timeline(room_id, shown, viewer, want),
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
        span: Span,
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
            needed = {e.pdu.sender for e in shown}
            if start == 0:
                needed |= {span.user_id, *await self._hero_ids(span.user_id, room_id)}
                found = [e for e in found if e.pdu.type != "m.room.member"]
            events = await self._with_members(room_id, found, needed, end)
        formatted = map(in_room, await self.formats.client_events(events))
        passed = span.want.passed_state(room_id, formatted)
        section["state_after" if span.want.state_after else "state"] = {
            "events": passed,
        }

    async def _with_members(
        self,
        room_id: RoomId,
        found: Sequence[SeenEvent],
        users: Collection[UserId],
        end: int,
    ) -> list[SeenEvent]:
        """With the member events of users, changed or not: a reader who gets members
        only as they speak may never have got them.
        """
        members = await self.store.members_at(room_id, users, end)
        by_seq = {event.seq: event for event in (*found, *members)}
        return [by_seq[seq] for seq in sorted(by_seq)]

    async def _summary(self, span: Span, room_id: RoomId, section: JsonObject) -> None:
        live = await self.cache.load(room_id)
        if live is not None:
            state = live.timeline.state
            section["summary"] = {
                "m.heroes": heroes(state, span.user_id),
                "m.joined_member_count": len(state.members("join")),
                "m.invited_member_count": len(state.members("invite")),
            }

    async def _hero_ids(self, user_id: UserId, room_id: RoomId) -> list[UserId]:
        live = await self.cache.load(room_id)
        return heroes(live.timeline.state, user_id) if live else []

    def _ephemeral(
        self,
        span: Span,
        room_id: RoomId,
        news: RoomNews | None,
        section: JsonObject,
        *,
        typing: bool,
    ) -> None:
        events: list[JsonObject] = []
        if typing:
            users = self.ephemeral.typing(room_id)
            events.append({"type": "m.typing", "content": {"user_ids": users}})
        for content in receipt_contents(news.receipts if news else ()):
            events.append({"type": "m.receipt", "content": content})
        put_events(
            section, "ephemeral", [e for e in events if span.want.ephemeral.passes(e)]
        )

    async def _counts(
        self,
        span: Span,
        member: MembershipRow,
        room: RoomRow,
        through: int,
        section: JsonObject,
        *,
        initial: bool,
    ) -> None:
        room_id, user_id = room.room_id, span.user_id
        unread = await self.unread.of(room_id, user_id, through=through)
        if span.want.thread_counts:
            await self._thread_counts(span, room_id, through, section)
        counts = {
            "notification_count": unread.notification_count,
            "highlight_count": unread.highlight_count,
        }
        silence = {"notification_count": 0, "highlight_count": 0}
        shown = silence if unread.is_muted else counts
        section.setdefault("unread_notifications", shown)
        section["org.chatproto.room"] = {
            **(counts if unread.is_muted else {}),
            "initial": initial,
            "bump": bump(room, member),
            "joined_seq": member.changed_seq,
            "read_seq": unread.read_seq,
            "through": unread.through,
        }

    async def _thread_counts(
        self, span: Span, room_id: RoomId, through: int, section: JsonObject
    ) -> None:
        """For who asks for it: what is unread in no thread, and in each thread."""
        unread = await self.unread.of(
            room_id, span.user_id, through=through, by_thread=True
        )
        muted = unread.is_muted
        main = (unread.notification_count, unread.highlight_count)
        section["unread_notifications"] = _both((0, 0) if muted else main)
        threads = {} if muted else unread.threads
        section["unread_thread_notifications"] = {
            root: _both(counts) for root, counts in threads.items()
        }


def _both(counts: tuple[int, int]) -> JsonObject:
    return {"notification_count": counts[0], "highlight_count": counts[1]}


def bump(room: RoomRow, member: MembershipRow) -> int:
    """The room's place in the member's list (docs/protocol/sync.md, List order)."""
    own = room.bump_sender == member.user_id
    return max(member.changed_pos, room.bump_other_pos if own else room.bump_pos)


def heroes(state: RoomState, user_id: UserId) -> list[UserId]:
    """The users by whom clients name a room that has no name."""
    others = [u for u in state.members("join") if u != user_id]
    others += [u for u in state.members("invite") if u != user_id]
    if not others:
        others = [u for u in state.members("leave") if u != user_id]
    return others[:HEROES]


def receipt_contents(rows: Sequence[ReceiptRow]) -> list[JsonObject]:
    """The contents of m.receipt events.

    One content has room for one receipt by user, type and event; where a user has read
    an event in the room and in a thread of it, a second event says the other.
    """
    contents: list[JsonObject] = []
    for row in rows:
        if row.type == "m.fully_read":
            continue
        data: JsonObject = {"ts": row.ts, "org.chatproto.seq": row.seq}
        if row.thread_id:
            data["thread_id"] = row.thread_id
        for content in contents:
            if row.user_id not in content.get(row.event_id, {}).get(row.type, {}):
                break
        else:
            content = {}
            contents.append(content)
        of_event = content.setdefault(row.event_id, {})
        of_event.setdefault(row.type, {})[row.user_id] = data
    return contents
