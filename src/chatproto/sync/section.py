"""A room's section of a sync body, taken over into the room."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, UserId
from chatproto.sync.changes import (
    AccountDataChanged,
    Change,
    ExtensionChanged,
    ReceiptChanged,
    RoomChanged,
    TimelineChanged,
    TypingChanged,
)
from chatproto.sync.fields import (
    SEQ,
    child,
    content_of,
    events,
    history_seq,
    is_state,
    number,
    objects,
    seq_of,
    text,
    texts,
)
from chatproto.sync.receipts import READ, READ_PRIVATE, Receipt
from chatproto.sync.room import Room
from chatproto.sync.unread import Base

ROOM = "org.chatproto.room"
FULLY_READ = "m.fully_read"
STATE_AFTER = ("state_after", "org.matrix.msc4222.state_after")
_RECEIPTS = (READ, READ_PRIVATE)


@define(eq=False)
class Taking:
    """One step of one room: what came in, in the order in which it did."""

    room: Room
    now_ms: int
    live: bool = False
    reset: bool = False
    _added: dict[EventId, JsonObject] = field(factory=dict)
    _updated: dict[EventId, None] = field(factory=dict)
    _state_changed: bool = False
    _changes: list[Change] = field(factory=list)

    @property
    def room_id(self) -> RoomId:
        return self.room.room_id

    def changes(self) -> list[Change]:
        """What this step changed, apart from counts and the list."""
        return [*self._changes, *self._of_events()]

    def added(self) -> list[JsonObject]:
        """The events that were new."""
        return list(self._added.values())

    def events(self, found: Iterable[JsonObject]) -> list[JsonObject]:
        """Take events of the timeline; gives those that were new."""
        new: list[JsonObject] = []
        for event in sorted(found, key=lambda event: seq_of(event) or 0):
            updated = self.room.take(event)
            if updated is None:
                continue
            new.append(event)
            self._added[EventId(str(event.get("event_id")))] = event
            self._updated.update(dict.fromkeys(updated))
            self._state_changed = self._state_changed or is_state(event)
        return new

    def state(self, found: Iterable[JsonObject]) -> None:
        if self.room.take_state(found):
            self._state_changed = True

    def receipt(self, receipt: Receipt) -> None:
        """Take a receipt; one's own moves the read position as well."""
        room = self.room
        if receipt.type == FULLY_READ:
            self.fully_read(receipt.event_id)
        if receipt.type not in _RECEIPTS or not room.receipts.apply(receipt):
            return
        if receipt.user_id == room.own and receipt.is_main:
            room.unread.read(receipt.seq)
        change = ReceiptChanged(
            self.room_id, receipt.user_id, receipt.event_id, receipt.seq
        )
        self._changes.append(change)

    def fully_read(self, event_id: str) -> None:
        if self.room.fully_read != event_id:
            self.room.fully_read = EventId(event_id)
            self._changes.append(AccountDataChanged(FULLY_READ, self.room_id))

    def typing(self, user_ids: Iterable[str]) -> None:
        room = self.room
        if room.typing.replace(user_ids, room.own, self.now_ms):
            change = TypingChanged(self.room_id, room.typing.user_ids)
            self._changes.append(change)

    def account_data(self, kind: str, content: JsonObject) -> None:
        if kind == FULLY_READ:
            self.fully_read(text(content, "event_id") or "")
        elif self.room.account_data.get(kind) != content:
            self.room.account_data[kind] = content
            self._changes.append(AccountDataChanged(kind, self.room_id))

    def numbers(self, told: JsonObject, counts: JsonObject) -> None:
        """Take the server's unread counts: `told` has read_seq and through."""
        through = number(told, "through")
        notification_count = number(counts, "notification_count")
        if through is None or notification_count is None:
            return
        base = Base(
            read_seq=number(told, "read_seq") or 0,
            through=through,
            notification_count=notification_count,
            highlight_count=number(counts, "highlight_count") or 0,
        )
        if told.get("recounted") is True:
            self.room.unread.recount(base)
        else:
            self.room.unread.rebase(base)

    # sections

    def joined(self, section: JsonObject) -> None:
        """Take the section of a room the user is in."""
        told = child(section, ROOM)
        room = self.room
        for event in events(section, "account_data"):
            self.account_data(str(event.get("type")), content_of(event))
        self._history(
            section, number(told, "through"), whole=told.get("initial") is True
        )
        self._ephemeral(section)
        if "summary" in section and room.summary is not None:
            room.summary = {**room.summary, **child(section, "summary")}
            self._state_changed = True
        room.bump = max(room.bump, number(told, "bump") or 0)
        room.joined_seq = max(room.joined_seq, number(told, "joined_seq") or 0)
        fully_read = text(told, "fully_read")
        if fully_read is not None:
            self.fully_read(fully_read)
        # Of a muted room it also says what there is once it is heard again.
        counts = told if "notification_count" in told else None
        self.numbers(told, counts or child(section, "unread_notifications"))

    def left(self, section: JsonObject) -> None:
        """Take the section of a room the user is no longer in."""
        self._history(section, None, whole=False)
        self.room.leave()

    def _history(
        self, section: JsonObject, through: int | None, *, whole: bool
    ) -> None:
        self.state(events(section, "state"))
        timeline = child(section, "timeline")
        found = objects(timeline, "events")
        self.events(found)
        for key in STATE_AFTER:
            self.state(events(section, key))
        if "timeline" in section:
            seqs = [seq_of(e) or 0 for e in found]
            self._cover(timeline, seqs, through, whole=whole)

    def _cover(
        self,
        timeline: JsonObject,
        seqs: list[int],
        through: int | None,
        *,
        whole: bool,
    ) -> None:
        """Note which stretch of history is known now."""
        known = self.room.timeline
        before = history_seq(text(timeline, "prev_batch"))
        last = max([*seqs, through or 0])
        first = min(seqs, default=last + 1) if before is None else before + 1
        if timeline.get("limited") is not True and (whole or known.head):
            # Nothing is left out: what is before is known, or not for this user.
            first = known.head + 1
        known.cover(first, last)
        known.head = max(known.head, last)

    def _ephemeral(self, section: JsonObject) -> None:
        for event in events(section, "ephemeral"):
            content = content_of(event)
            if event.get("type") == "m.typing":
                self.typing(texts(content, "user_ids"))
            elif event.get("type") == "m.receipt":
                for receipt in receipts_of(content, self.room):
                    self.receipt(receipt)

    def _of_events(self) -> Iterable[Change]:
        room_id = self.room_id
        if self._added or self._updated or self.reset:
            yield TimelineChanged(
                room_id,
                tuple(self._added),
                tuple(u for u in self._updated if u not in self._added),
                self.live,
                self.reset,
            )
        if self._state_changed:
            yield RoomChanged(room_id)
        names = {n for e in self._added.values() for n in self.room.extended_by(e)}
        for name in sorted(names):
            yield ExtensionChanged(room_id, name)


def receipts_of(content: JsonObject, room: Room) -> Iterable[Receipt]:
    """The receipts in the content of m.receipt, as far as their place is known."""
    for event_id in content:
        of_event = child(content, event_id)
        for kind in of_event:
            of_kind = child(of_event, kind)
            for user_id in of_kind:
                data = child(of_kind, user_id)
                seq = number(data, SEQ) or room.timeline.seq(EventId(event_id))
                if seq is not None:
                    yield Receipt(
                        user_id=UserId(user_id),
                        type=kind,
                        thread_id=text(data, "thread_id") or "",
                        event_id=EventId(event_id),
                        seq=seq,
                        ts=number(data, "ts") or 0,
                    )
