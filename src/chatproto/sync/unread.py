"""How much is unread in one room, exactly, with few words from the server.

The server gives numbers only now and then: at each (re)start, and when the read
position moves. Such numbers are a *base*: they are right for the events up to a seq,
`through`, seen from a read position. Everything else is facts about single events,
which every client sees by itself:

- an event that counts, by its seq (`counted`);
- a redaction, by its own seq and that of its target (`redactions`);
- one's own read position, the greatest of all that was heard (`read_seq`).

Why the sum is exact. Let R be the read position, T the base's `through`, B the read
position the base was made for. Unread are the events after R that count, come from
others and are not redacted.

- Those after T are all known one by one, for the timeline after T is what was pushed:
  count the `counted` after max(R, T) that no redaction names.
- Those up to T are in the base, less what has left it since: what was read meanwhile
  (known events in (B, R]) and what redactions after T took away (targets in (B, T]).
  Both are sets of seqs, so an event that was read and redacted leaves once. If R has
  reached T, nothing is left, whatever the base says.
- One's own events never need to be told apart: they move R to their own seq at least.

Only one case needs the server again: R has moved into the base past events that were
never seen here. Its `unread` item follows the receipt that did it, and until then the
count is too high, never too low.

Why the way it is split does not matter. Facts are sets by seq, and R is a maximum: it
makes no difference in which order, how often, or by which item they come. The base is
replaced by what comes later in the stream, unless that is the repetition of older
numbers: for an older T and no newer R, or for the same T and an older R. Facts stay until
the base is past them, so a base that is a little behind what was pushed (it was made
while an event was on its way) is completed and not doubled.
"""

from __future__ import annotations

from attrs import define, field, frozen


@frozen(kw_only=True)
class Base:
    """The server's numbers for events in (`read_seq`, `through`]."""

    read_seq: int = 0
    through: int = 0
    notification_count: int = 0
    highlight_count: int = 0


@frozen(kw_only=True)
class Uncounted:
    """A redaction at `seq` of the event at `target`.

    `counted` is the server's word that its target had been counted.
    """

    seq: int
    target: int
    counted: bool
    highlight: bool = False


@define(eq=False)
class Unread:
    """The counts of one room; see the module's text."""

    read_seq: int = 0
    base: Base = Base()
    counted: dict[int, bool] = field(factory=dict)  # seq to "is a highlight"
    redactions: dict[int, Uncounted] = field(factory=dict)
    _totals: tuple[int, int] | None = None

    def rebase(self, base: Base) -> None:
        """Take the server's numbers."""
        if not self._is_stale(base):
            self._totals = None
            self.base = base
            self.read(base.read_seq)

    def recount(self, base: Base) -> None:
        """Take numbers that were counted by other rules than what is known here."""
        if not self._is_stale(base):
            through = base.through
            self.counted = {s: h for s, h in self.counted.items() if s > through}
            kept = self.redactions.items()
            self.redactions = {s: r for s, r in kept if s > through}
            self.base = base
            self.read(base.read_seq)

    def read(self, seq: int) -> None:
        """One's own read position is at least here."""
        self._totals = None
        self.read_seq = max(self.read_seq, seq)
        if self.read_seq >= self.base.through:
            self.base = Base(read_seq=self.read_seq, through=self.read_seq)
        self._forget(self.base.read_seq)

    def count(self, seq: int, *, highlight: bool) -> None:
        """Someone else's event at `seq` counts."""
        if seq <= self.base.read_seq or seq in self.counted:
            return
        self.counted[seq] = highlight
        totals = self._totals
        # A chat that nobody reads for long must not be counted anew at each message.
        newest = seq > max(self.read_seq, self.base.through) and not self.redactions
        if totals is not None and newest:
            self._totals = totals[0] + 1, totals[1] + highlight
        else:
            self._totals = None

    def uncount(self, redaction: Uncounted) -> None:
        if redaction.target > self.base.read_seq:
            self._totals = None
            # What is heard first knows best what the target was.
            self.redactions.setdefault(redaction.seq, redaction)

    def totals(self) -> tuple[int, int]:
        """The notification count and the highlight count."""
        if self._totals is None:
            self._totals = self._add_up()
        return self._totals

    def _add_up(self) -> tuple[int, int]:
        redacted = {r.target for r in self.redactions.values()}
        after = max(self.read_seq, self.base.through)
        tail = [s for s in self.counted if s > after and s not in redacted]
        highlights = sum(1 for seq in tail if self.counted[seq])
        if self.read_seq >= self.base.through:
            return len(tail), highlights
        gone = self._gone()
        count = max(0, self.base.notification_count - len(gone))
        loud = sum(1 for highlight in gone.values() if highlight)
        loud = min(count, max(0, self.base.highlight_count - loud))
        return len(tail) + count, highlights + loud

    def _gone(self) -> dict[int, bool]:
        """What has left the base since it was made, by seq."""
        base = self.base
        before = {r.target for r in self.redactions.values() if r.seq <= base.through}
        gone = {
            seq: highlight
            for seq, highlight in self.counted.items()
            if base.read_seq < seq <= self.read_seq and seq not in before
        }
        for r in self.redactions.values():
            late = r.counted and r.seq > base.through
            if late and base.read_seq < r.target <= base.through:
                gone[r.target] = r.highlight or self.counted.get(r.target, False)
        return gone

    def _is_stale(self, base: Base) -> bool:
        """Whether numbers are a repetition: older in one way, and newer in none."""
        if base.through < self.base.through:
            return base.read_seq <= max(self.base.read_seq, self.read_seq - 1)
        return base.through == self.base.through and base.read_seq < self.read_seq

    def _forget(self, seq: int) -> None:
        if any(s <= seq for s in self.counted):
            self.counted = {s: h for s, h in self.counted.items() if s > seq}
        if self.redactions:
            kept = self.redactions.items()
            self.redactions = {s: r for s, r in kept if r.target > seq}
