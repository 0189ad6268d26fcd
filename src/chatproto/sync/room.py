"""One room as one user knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, UserId
from chatproto.rooms.push_conditions import Seen
from chatproto.sync import reducers
from chatproto.sync.fields import (
    REDACTS,
    child,
    content_of,
    is_event,
    is_state,
    number,
    pos_of,
    seq_of,
    text,
    texts,
)
from chatproto.sync.items import TimelineItem, timeline_items
from chatproto.sync.outbox import Outgoing
from chatproto.sync.policy import DEFAULT_POLICY, Policy, mentions
from chatproto.sync.push_rules import OwnRules
from chatproto.sync.receipts import Receipts
from chatproto.sync.reducers import Reducer
from chatproto.sync.relations import redaction_of
from chatproto.sync.state import MEMBER, State, display_name
from chatproto.sync.timeline import Timeline
from chatproto.sync.typing import Typing
from chatproto.sync.unread import Uncounted, Unread

FAVOURITE = "m.favourite"
LOW_PRIORITY = "m.lowpriority"
MUTED = "org.chatproto.muted"


@define(eq=False, kw_only=True)
class Room:
    """One room. It is changed in place by the `ClientState` that holds it.

    `membership` is join, invite, knock, leave or ban; `bump` is the place in the list
    of chats; `joined_seq` the place of the event by which the user came in.
    """

    room_id: RoomId
    own: UserId
    membership: str
    policy: Policy = DEFAULT_POLICY
    reducers: tuple[Reducer, ...] = ()
    bump: int = 0
    joined_seq: int = 0
    fully_read: EventId | None = None
    summary: JsonObject | None = None
    state: State = field(factory=State)
    timeline: Timeline = field(factory=Timeline)
    receipts: Receipts = field(factory=Receipts)
    unread: Unread = field(factory=Unread)
    typing: Typing = field(factory=Typing)
    account_data: dict[str, JsonObject] = field(factory=dict)
    rules: OwnRules | None = None
    _extensions: dict[str, Any] = field(factory=dict)

    # what is shown

    @property
    def name(self) -> str:
        """What the room is called; names of people are joined by commas."""
        return display_name(self.state, self.own, self._heroes())

    @property
    def joined_count(self) -> int:
        return self._count("join", "m.joined_member_count")

    @property
    def invited_count(self) -> int:
        return self._count("invite", "m.invited_member_count")

    @property
    def inviter(self) -> UserId | None:
        """Who invited the user, while that is how things stand."""
        event = self.state.event(MEMBER, self.own)
        sender = None if event is None else text(event, "sender")
        if self.membership != "invite" or sender is None:
            return None
        return UserId(sender)

    @property
    def tags(self) -> JsonObject:
        return child(self.account_data.get("m.tag", {}), "tags")

    @property
    def is_pinned(self) -> bool:
        return FAVOURITE in self.tags

    @property
    def is_archived(self) -> bool:
        return LOW_PRIORITY in self.tags

    @property
    def is_muted(self) -> bool:
        if self.account_data.get(MUTED, {}).get("muted") is True:
            return True
        return self.rules is not None and self.rules.mutes(self.room_id)

    @property
    def is_marked_unread(self) -> bool:
        """The user's own flag, beside the counts."""
        return self.account_data.get("m.marked_unread", {}).get("unread") is True

    @property
    def notification_count(self) -> int:
        return self.counts()[0]

    @property
    def highlight_count(self) -> int:
        return self.counts()[1]

    @property
    def read_seq(self) -> int:
        """Up to which place the user has read."""
        return self.unread.read_seq

    @property
    def extensions(self) -> Mapping[str, Any]:
        """What modules' reducers make of the room, by name."""
        for reducer in self.reducers:
            if reducer.name not in self._extensions:
                value = reducers.run(reducer, self.state, self.timeline)
                self._extensions[reducer.name] = value
        return self._extensions

    def counts(self) -> tuple[int, int]:
        """The notification count and the highlight count; none in a muted room."""
        return (0, 0) if self.is_muted else self.unread.totals()

    def items(
        self,
        outgoing: tuple[Outgoing, ...] = (),
        *,
        thread: EventId | None = None,
    ) -> tuple[TimelineItem, ...]:
        """The rows of the timeline, or of one thread: its root and the answers."""
        rows = timeline_items(self.timeline, outgoing, self.own)
        if thread is None:
            return rows
        return tuple(r for r in rows if thread in (r.event_id, r.thread_root))

    def read_by(self, event_id: EventId) -> tuple[UserId, ...]:
        """Who has read an event: by receipt, or by having said something after it."""
        seq = self.timeline.seq(event_id)
        if seq is None:
            return ()
        readers = set(self.receipts.readers(seq))
        later = (e for e in self.timeline.events() if (seq_of(e) or 0) > seq)
        spoke = {UserId(str(e.get("sender"))) for e in later if self.policy.lifts(e)}
        event = self.timeline.event(event_id) or {}
        return tuple(sorted((readers | spoke) - {UserId(str(event.get("sender")))}))

    # what happens

    def take(self, event: JsonObject) -> tuple[EventId, ...] | None:
        """Take an event, whichever way it came; None if it is known or has no place.

        Gives the IDs of older events that look different now. All that an event does
        is a fact of its own (a maximum, an entry of a set, the newer of two), so that
        it makes no difference when it is taken.
        """
        seq = seq_of(event)
        if seq is None or not is_event(event) or self.timeline.has(seq):
            return None
        event = {key: value for key, value in event.items() if key != "room_id"}
        self._account(event, seq)
        updated = self.timeline.add(event)
        taken = self.timeline.event(EventId(str(event.get("event_id")))) or event
        if is_state(taken):
            self.state.apply(taken)
        redaction = redaction_of(event)
        if redaction is not None:
            target = self.timeline.event(redaction.target)
            if target is None or is_state(target):
                self.state.redact(redaction.target)
            self._extensions.clear()
        self._outdate(str(event.get("type")))
        return updated

    def take_state(self, events: Iterable[JsonObject]) -> bool:
        """Take pieces of state that are not shown in the timeline. Whether any is new."""
        changed = False
        for event in events:
            if is_state(event) and isinstance(event.get("type"), str):
                kept = {k: v for k, v in event.items() if k != "room_id"}
                changed = self.state.apply(kept) or changed
                self._outdate(str(event.get("type")))
        return changed

    def extended_by(self, event: JsonObject) -> tuple[str, ...]:
        """The reducers that an event may concern."""
        kind = event.get("type")
        redacts = kind == "m.room.redaction"
        return tuple(r.name for r in self.reducers if redacts or kind in r.event_types)

    def leave(self) -> None:
        """The user is out: what is left is what was said, and the room's state."""
        membership = self.state.membership(self.own)
        self.membership = membership if membership == "ban" else "leave"
        self.bump, self.joined_seq, self.fully_read = 0, 0, None
        self.receipts, self.unread, self.typing = Receipts(), Unread(), Typing()
        self.account_data, self.summary = {}, None

    def picture(self) -> JsonObject:
        """All that is known of the room, as JSON; equal pictures are equal rooms."""
        count, highlights = self.counts()
        return {
            "membership": self.membership,
            "name": self.name,
            "joined_count": self.joined_count,
            "invited_count": self.invited_count,
            "bump": self.bump,
            "read_seq": self.read_seq,
            "notification_count": count,
            "highlight_count": highlights,
            "fully_read": self.fully_read,
            "muted": self.is_muted,
            "pinned": self.is_pinned,
            "archived": self.is_archived,
            "typing": list(self.typing.user_ids),
            "receipts": self.receipts.picture(),
            "account_data": dict(sorted(self.account_data.items())),
            "state": self.state.picture(),
            "timeline": {
                "head": self.timeline.head,
                "before": self.timeline.before(),
                "missing": [[gap.first, gap.last] for gap in self.timeline.gaps()],
                "items": [item.picture() for item in self.items()],
            },
            "extensions": dict(sorted(self.extensions.items())),
        }

    def _account(self, event: JsonObject, seq: int) -> None:
        """What an event does to the list and to the counts."""
        redaction = redaction_of(event)
        if redaction is not None:
            self._uncount(event, seq)
        if not self.policy.lifts(event):
            return
        if event.get("sender") == self.own:
            self.unread.read(seq)
            return
        self.bump = max(self.bump, pos_of(event) or 0)
        counts, highlight = self._judge(event)
        if counts:
            self.unread.count(seq, highlight=highlight)

    def _uncount(self, event: JsonObject, seq: int) -> None:
        told = child(child(event, "unsigned"), REDACTS)
        target = number(told, "seq")
        if target is None:
            return
        self.unread.uncount(
            Uncounted(
                seq=seq,
                target=target,
                counted=self._was_counted(event, told),
                highlight=self._was_highlight(event, told),
            )
        )

    def _judge(self, event: JsonObject) -> tuple[bool, bool]:
        """Whether somebody else's message counts, and whether it highlights."""
        heard = None if self.rules is None else self.rules.heard
        if heard is None:
            counts = self.policy.counts(event)
            return counts, counts and self._is_highlight(event)
        own = self.rules
        if not self.policy.lifts(event) or (own and event.get("sender") in own.ignored):
            return False, False
        member = self.state.event(MEMBER, self.own) or {}
        seen = Seen(
            display_name=text(content_of(member), "displayname"),
            joined_count=self.joined_count,
            may_notify=lambda sender, key: (
                key == "room" and self.state.may_call_room(sender)
            ),
        )
        rule = heard.match({**event, "room_id": self.room_id}, seen)
        return (False, False) if rule is None else (rule.notifies, rule.highlights)

    def _target(self, redaction: JsonObject) -> JsonObject | None:
        found = redaction_of(redaction)
        return self.timeline.event(found.target) if found else None

    def _was_counted(self, redaction: JsonObject, told: JsonObject) -> bool:
        """The server says whether the target counts for everybody; by rules of one's
        own it can only be told from the target itself.
        """
        target = self._target(redaction)
        if self.rules is not None and self.rules.heard and target is not None:
            return self._judge(target)[0]
        return told.get("counts") is True

    def _was_highlight(self, redaction: JsonObject, told: JsonObject) -> bool:
        target = self._target(redaction)
        if target is not None:
            return self._judge(target)[1]
        # The server may say whom the redacted event mentioned.
        return mentions(child(told, "mentions"), self.own, may_call_room=True)

    def _is_highlight(self, event: JsonObject) -> bool:
        mentioned = child(content_of(event), "m.mentions")
        heard = self.state.may_call_room(str(event.get("sender")))
        return mentions(mentioned, self.own, may_call_room=heard)

    def _outdate(self, kind: str) -> None:
        for reducer in self.reducers:
            if kind in reducer.event_types:
                self._extensions.pop(reducer.name, None)

    def _heroes(self) -> tuple[UserId, ...]:
        heroes = texts(self.summary or {}, "m.heroes")
        return tuple(UserId(user_id) for user_id in heroes)

    def _count(self, membership: str, key: str) -> int:
        told = number(self.summary or {}, key)
        return len(self.state.members(membership)) if told is None else told
