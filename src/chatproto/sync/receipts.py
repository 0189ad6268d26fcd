"""Who has read how far. Receipts only move forward, by seq."""

from __future__ import annotations

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, UserId

WHOLE_ROOM = ""
MAIN = "main"
READ = "m.read"
READ_PRIVATE = "m.read.private"


@frozen(kw_only=True)
class Receipt:
    """`thread_id` is "" for the whole room, "main", or the root of a thread."""

    user_id: UserId
    type: str
    thread_id: str
    event_id: EventId
    seq: int
    ts: int

    @property
    def is_main(self) -> bool:
        return self.thread_id in (WHOLE_ROOM, MAIN)


@define(eq=False)
class Receipts:
    """The receipts of one room: user, then type, then thread."""

    _of: dict[UserId, dict[tuple[str, str], Receipt]] = field(factory=dict)

    def apply(self, receipt: Receipt) -> bool:
        """Whether it is ahead of the one that was known."""
        own = self._of.setdefault(receipt.user_id, {})
        key = receipt.type, receipt.thread_id
        known = own.get(key)
        if known is not None and known.seq >= receipt.seq:
            return False
        own[key] = receipt
        return True

    def latest(self, user_id: UserId) -> Receipt | None:
        """The furthest receipt of a user for the room or its main timeline."""
        found = [r for r in self._of.get(user_id, {}).values() if r.is_main]
        return max(found, key=lambda r: (r.seq, r.type), default=None)

    def in_thread(self, user_id: UserId, root: EventId) -> Receipt | None:
        """The furthest receipt of a user that covers a thread."""
        found = self._of.get(user_id, {}).values()
        covering = [r for r in found if r.thread_id in (WHOLE_ROOM, root)]
        return max(covering, key=lambda r: (r.seq, r.type), default=None)

    def readers(self, seq: int) -> tuple[UserId, ...]:
        """The users whose receipts say that they have read the event at `seq`."""
        latest = ((user_id, self.latest(user_id)) for user_id in self._of)
        return tuple(sorted(u for u, r in latest if r is not None and r.seq >= seq))

    def picture(self) -> JsonObject:
        return {
            user_id: [
                {
                    "type": r.type,
                    "thread_id": r.thread_id,
                    "event_id": r.event_id,
                    "seq": r.seq,
                    "ts": r.ts,
                }
                for _, r in sorted(own.items())
            ]
            for user_id, own in sorted(self._of.items())
        }
