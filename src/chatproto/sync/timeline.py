"""The known events of one room, by seq, and where there are gaps.

`ranges` are the stretches of history that are known, both ends included; what lies
between them has to be paged. A stretch may hold fewer events than places, for some
events are not for every user.
"""

from __future__ import annotations

from bisect import insort

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId
from chatproto.sync.fields import seq_of
from chatproto.sync.redacted import redacted
from chatproto.sync.relations import (
    Relations,
    redaction_of,
    related_of,
)


@frozen
class Gap:
    """Unknown places of a timeline, both ends included."""

    first: int
    last: int

    @property
    def token(self) -> str:
        """From where to page back to fill it."""
        return f"t{self.last}"


@define(eq=False)
class Timeline:
    """`head` is the last place taken from the server's stream, 0 before the first."""

    head: int = 0
    relations: Relations = field(factory=Relations)
    ranges: list[tuple[int, int]] = field(factory=list)
    _events: dict[int, JsonObject] = field(factory=dict)
    _order: list[int] = field(factory=list)
    _seqs: dict[EventId, int] = field(factory=dict)

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, event_id: EventId) -> bool:
        return event_id in self._seqs

    def has(self, seq: int) -> bool:
        return seq in self._events

    def events(self) -> list[JsonObject]:
        """All known events, the oldest first."""
        return [self._events[seq] for seq in self._order]

    def event(self, event_id: EventId) -> JsonObject | None:
        seq = self._seqs.get(event_id)
        return None if seq is None else self._events[seq]

    def seq(self, event_id: EventId) -> int | None:
        return self._seqs.get(event_id)

    def latest(self) -> JsonObject | None:
        """The newest event."""
        return self._events[self._order[-1]] if self._order else None

    def gaps(self) -> tuple[Gap, ...]:
        """What is missing between known events, the oldest first."""
        pairs = zip(self.ranges, self.ranges[1:], strict=False)
        return tuple(Gap(low[1] + 1, high[0] - 1) for low, high in pairs)

    def before(self) -> str | None:
        """From where to page back to older events; None if there are none."""
        first = self.ranges[0][0] if self.ranges else self.head + 1
        return f"t{first - 1}" if first > 1 else None

    def add(self, event: JsonObject) -> tuple[EventId, ...]:
        """Take an event that is not known yet.

        Gives the IDs of older events that look different now. An event redacted
        before it was seen is kept in its redacted form.
        """
        seq, event_id = seq_of(event) or 0, EventId(str(event.get("event_id")))
        touched: list[EventId] = []
        redaction = redaction_of(event)
        if redaction is not None:
            self.relations.redact(redaction)
            touched += self._redact(redaction.target)
        if self.relations.redaction(event_id) is not None:
            event = redacted(event)
        related = related_of(event)
        if related is not None:
            self.relations.add(related)
            touched.append(related.target)
        self._put(seq, event_id, event)
        return tuple(t for t in touched if t in self._seqs and t != event_id)

    def cover(self, first: int, last: int) -> None:
        """All events in a range, both ends included, are known now."""
        if last < first:
            return
        joined = [r for r in self.ranges if r[1] >= first - 1 and r[0] <= last + 1]
        apart = [r for r in self.ranges if r not in joined]
        low = min([first, *(r[0] for r in joined)])
        high = max([last, *(r[1] for r in joined)])
        self.ranges = sorted([*apart, (low, high)])

    def trim(self, keep: int) -> None:
        """Forget all but the newest events; they can be paged again."""
        dropped = self._order[: max(0, len(self._order) - keep)]
        if not dropped:
            return
        for seq in dropped:
            event = self._events.pop(seq)
            del self._seqs[EventId(str(event.get("event_id")))]
            related = related_of(event)
            if related is not None:
                self.relations.remove(related)
        self._order = self._order[len(dropped) :]
        last = dropped[-1]
        kept = [r for r in self.ranges if r[1] > last]
        self.ranges = [(max(low, last + 1), high) for low, high in kept]

    def _put(self, seq: int, event_id: EventId, event: JsonObject) -> None:
        if self._order and seq < self._order[-1]:
            insort(self._order, seq)
        else:
            self._order.append(seq)
        self._events[seq] = event
        self._seqs[event_id] = seq

    def _redact(self, target: EventId) -> list[EventId]:
        seq = self._seqs.get(target)
        if seq is None:
            return []
        event = self._events[seq]
        self._events[seq] = redacted(event)
        related = related_of(event)
        if related is None:
            return [target]
        self.relations.remove(related)
        return [target, related.target]
