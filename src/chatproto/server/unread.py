"""How much is unread, by the push rules of whoever reads.

Most users never change a rule, and for them the store counts by itself, from what was
noted of each event. For the others their unread messages are judged one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import trio
from attrs import define, evolve, field, frozen

from chatproto.canonical import object_of
from chatproto.events.registry import Registry
from chatproto.ids import EventId, RoomId, UserId
from chatproto.ports import Store, Unread, UnreadEvent
from chatproto.rooms.default_push_rules import default_rules
from chatproto.rooms.power_levels import PowerLevels
from chatproto.rooms.push_conditions import Seen
from chatproto.rooms.push_rules import RuleSet
from chatproto.rooms.timeline import Timeline
from chatproto.server.push_rules import IGNORED, PUSH_RULES, ignored_in, rules_of
from chatproto.server.rooms import RoomCache

# More unread messages than this are not judged: the rest counts by the common rules.
MAX_JUDGED = 1_000
MAX_KNOWN = 10_000


@frozen
class _OwnRules:
    """A user's rules; `heard` are those beside what is muted, if they, or whom the user
    ignores, make the counts at all different from everybody's.
    """

    rules: RuleSet
    heard: RuleSet | None
    ignored: frozenset[UserId]


@define(eq=False)
class UnreadCounts:
    """Counts what is unread; keeps the rules of those who have some of their own."""

    store: Store
    cache: RoomCache
    registry: Registry
    _known: dict[UserId, _OwnRules | None] = field(factory=dict)
    _changes: int = 0

    def forget(self, user_id: UserId) -> None:
        """The user's rules have changed."""
        self._changes += 1
        self._known.pop(user_id, None)

    async def of(
        self,
        room_id: RoomId,
        user_id: UserId,
        *,
        through: int,
        read_seq: int = 0,
        by_thread: bool = False,
    ) -> Unread:
        """What `Store.unread` says, by the user's own rules."""
        unread = await self.store.unread(
            room_id, user_id, through=through, read_seq=read_seq, by_thread=by_thread
        )
        own = await self._own(user_id)
        if own is None:
            return unread
        if own.rules.mutes(room_id):
            unread = evolve(unread, is_muted=True)
        live = None if own.heard is None else await self.cache.load(room_id)
        if own.heard is None or live is None:
            return unread
        return await self._judged(
            own, live.timeline, unread, room_id, user_id, by_thread=by_thread
        )

    async def rules(self, user_id: UserId) -> RuleSet:
        """The user's rules, whether they are their own or everybody's."""
        own = await self._own(user_id)
        if own is not None:
            return own.rules
        return default_rules(user_id, self.registry.counting)

    async def ignored(self, user_id: UserId) -> frozenset[UserId]:
        """Whom the user does not want to hear."""
        own = await self._own(user_id)
        return frozenset() if own is None else own.ignored

    async def _own(self, user_id: UserId) -> _OwnRules | None:
        if user_id in self._known:
            return self._known[user_id]
        changes = self._changes
        content = await self.store.account_datum(user_id, None, PUSH_RULES)
        ignored = ignored_in(await self.store.account_datum(user_id, None, IGNORED))
        own = None
        if content is not None or ignored:
            rules = rules_of(user_id, content, self.registry)
            common = default_rules(user_id, self.registry.counting)
            alike = rules.counts_like(common) and not ignored
            own = _OwnRules(rules, None if alike else rules.heard(), ignored)
        if changes == self._changes:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[user_id] = own
        return own

    async def _judged(
        self,
        own: _OwnRules,
        room: Timeline,
        unread: Unread,
        room_id: RoomId,
        user_id: UserId,
        *,
        by_thread: bool,
    ) -> Unread:
        reads = await self._thread_reads(room_id, user_id) if by_thread else {}
        whole = await self._whole_read(room_id, user_id) if by_thread else 0
        events = await self.store.unread_events(
            room_id,
            user_id,
            after=whole if by_thread else unread.read_seq,
            through=unread.through,
            types=self.registry.lifting,
            limit=MAX_JUDGED,
        )
        seen = seen_by(user_id, room)
        counted: dict[EventId | None, tuple[int, int]] = {}
        for event in events:
            await trio.lowlevel.checkpoint()  # some rules take their time
            thread = event.thread if by_thread else None
            read = unread.read_seq if thread is None else reads.get(thread, whole)
            if event.seq > read:
                count, loud = counted.get(thread, (0, 0))
                notifies, highlights = _judge(own, event, room_id, seen)
                counted[thread] = count + notifies, loud + highlights
        main = counted.pop(None, (0, 0))
        if len(events) == MAX_JUDGED and not by_thread:
            main = await self._with_older(
                main, events[-1].seq, unread, room_id, user_id
            )
        return evolve(
            unread,
            notification_count=main[0],
            highlight_count=main[1],
            threads={root: c for root, c in counted.items() if root and c[0]},
        )

    async def _with_older(
        self,
        main: tuple[int, int],
        oldest: int,
        unread: Unread,
        room_id: RoomId,
        user_id: UserId,
    ) -> tuple[int, int]:
        older = await self.store.unread(
            room_id, user_id, through=oldest - 1, read_seq=unread.read_seq
        )
        return main[0] + older.notification_count, main[1] + older.highlight_count

    async def _thread_reads(
        self, room_id: RoomId, user_id: UserId
    ) -> Mapping[EventId, int]:
        whole = await self._whole_read(room_id, user_id)
        reads: dict[EventId, int] = {}
        for row in await self.store.receipts_of(room_id, user_id):
            if row.thread_id not in ("", "main"):
                root = EventId(row.thread_id)
                reads[root] = max(reads.get(root, whole), row.seq)
        return reads

    async def _whole_read(self, room_id: RoomId, user_id: UserId) -> int:
        """Up to where a user has read a room with all of its threads."""
        member = await self.store.membership(room_id, user_id)
        receipts = await self.store.receipts_of(room_id, user_id)
        own = 0 if member is None else max(member.sent_seq, member.changed_seq)
        return max(own, *_seqs(r.seq for r in receipts if r.thread_id == ""))


def seen_by(user_id: UserId, room: Timeline) -> Seen:
    """What rules may ask about a room, as it is now."""
    state = room.state
    member = state.get("m.room.member", user_id)
    name = None if member is None else member.content.get("displayname")
    levels = PowerLevels.of(state, room.version)
    return Seen(
        display_name=name if isinstance(name, str) else None,
        joined_count=len(state.members("join")),
        may_notify=lambda sender, key: levels.user(sender) >= levels.notification(key),
    )


def _judge(
    own: _OwnRules, event: UnreadEvent, room_id: RoomId, seen: Seen
) -> tuple[bool, bool]:
    if own.heard is None or event.json.get("sender") in own.ignored:
        return False, False
    content = object_of(event.json.get("content"))
    rule = own.heard.match({**event.json, "room_id": room_id, "content": content}, seen)
    return (False, False) if rule is None else (rule.notifies, rule.highlights)


def _seqs(found: Iterable[int]) -> tuple[int, ...]:
    return (0, *found)
