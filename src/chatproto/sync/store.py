"""All that a client knows: a reducer over what its server says.

`ClientState` is changed in place, step by step; each step gives what it changed. It does
no I/O and reads no clock. Two states are equal if their pictures are (`picture`), and
any split of one stream into frames and sync bodies, with any part of it repeated after
a resume, ends in equal states:

- events are known by their seq, and all that an event does is a fact of its own, which
  it makes no difference to learn twice or in another order (`Room.take`);
- receipts only move forward; counts are a base and facts (`chatproto.sync.unread`);
- the rest are whole values, of which the last one holds; a repetition of an older one
  is followed by a repetition of the newer one.
"""

from __future__ import annotations

from attrs import define

from chatproto.canonical import JsonObject
from chatproto.errors import LocalError
from chatproto.ids import EventId, RoomId, TxnId
from chatproto.sync.changes import (
    Change,
    OutboxChanged,
    PresenceChanged,
    Resynced,
    RoomRemoved,
    TypingChanged,
)
from chatproto.sync.fields import history_seq, objects, seq_of, text
from chatproto.sync.incoming import take_item
from chatproto.sync.known import Known
from chatproto.sync.outbox import (
    FAILED,
    REDACT,
    REPLACE,
    SEND,
    WAITING,
    Outbox,
    Outgoing,
)
from chatproto.sync.section import Taking


@define(eq=False, kw_only=True)
class ClientState(Known):
    """What one user's client knows, and all that can happen to it; see `Known`."""

    # what the server says

    def apply_frame(self, frame: JsonObject, now_ms: int) -> tuple[Change, ...]:
        """Take a frame of the socket: a push, a position, or that one must resync."""
        changes: list[Change] = []
        if "resync" in frame:
            changes += self.resync()
        for item in objects(frame, "push"):
            changes += self.apply(item, now_ms)
        position = text(frame, "at")
        if position is not None:
            self.position = position
        return tuple(changes)

    def apply_sync(self, body: JsonObject, now_ms: int) -> tuple[Change, ...]:
        """Take the answer to /sync. One without `since` must follow a `resync()`."""
        return self.apply({"sync": body}, now_ms)

    def apply(self, item: JsonObject, now_ms: int) -> tuple[Change, ...]:
        """Take one push item (docs/protocol/socket.md); an unknown one does nothing.

        `now_ms` is the time by the client's own clock, in milliseconds.
        """
        return tuple(take_item(self, item, now_ms))

    def apply_history(
        self,
        room_id: RoomId,
        page: JsonObject,
        direction: str = "b",
    ) -> tuple[Change, ...]:
        """Take a page of a room's history: `chunk`, `start` and, if there is more, `end`.

        `direction` is that of the request, b or f.
        """
        room = self.rooms.get(room_id)
        if room is None:
            return ()
        timeline = room.timeline
        chunk = objects(page, "chunk")
        # What is after the head comes with the stream; there it is counted as news.
        known = [e for e in chunk if (seq_of(e) or 0) <= timeline.head]
        taking = Taking(room, 0)
        taking.events(known)
        taking.state(objects(page, "state"))
        first, last = _stretch(page, [seq_of(e) or 0 for e in known], direction)
        timeline.cover(first, min(last, timeline.head))
        return (*taking.changes(), *self.settled(room, taking.added()))

    def expire(self, now_ms: int) -> tuple[Change, ...]:
        """End what has ended by now: typing without news, status texts."""
        changes: list[Change] = []
        for room in self.rooms.values():
            if room.typing.expire(now_ms):
                changes.append(TypingChanged(room.room_id, ()))
        for user_id, presence in self.presence.items():
            current = presence.at(now_ms)
            if current is not presence:
                self.presence[user_id] = current
                changes.append(PresenceChanged(user_id))
        return tuple(changes)

    def next_expiry(self) -> int | None:
        """When `expire` will have something to do, in milliseconds; None: never."""
        times = [room.typing.expires_ms for room in self.rooms.values()]
        times += [p.status_expires_ms for p in self.presence.values()]
        return min((t for t in times if t is not None), default=None)

    def resync(self) -> tuple[Change, ...]:
        """Forget everything but the outbox and drafts; a snapshot must follow."""
        self.position = None
        self.rooms, self.account_data, self.presence = {}, {}, {}
        self._rules = None
        self.one_time_key_counts, self.fallback_key_types = {}, ()
        self._order, self._told = [], {}
        return (Resynced(),)

    def forget(self, room_id: RoomId) -> tuple[Change, ...]:
        """Drop a room that the user has left and forgotten."""
        room = self.rooms.pop(room_id, None)
        self._told.pop(room_id, None)
        if room is None:
            return ()
        return (RoomRemoved(room_id, room.membership), *self.reordered())

    def trim(self, keep: int) -> None:
        """Keep only the newest events of each room, for a client that runs for long."""
        for room in self.rooms.values():
            room.timeline.trim(keep)

    # what the user does

    def send(
        self,
        room_id: RoomId,
        event_type: str,
        content: JsonObject,
        txn_id: TxnId,
        now_ms: int,
    ) -> tuple[Change, ...]:
        """Put a message into the outbox. Raises LocalError for a known `txn_id`."""
        entry = Outgoing(
            txn_id=txn_id,
            room_id=room_id,
            kind=SEND,
            type=event_type,
            content=content,
            created_ms=now_ms,
        )
        return self._queue(entry)

    def edit(
        self,
        room_id: RoomId,
        target: EventId | TxnId,
        content: JsonObject,
        txn_id: TxnId,
        now_ms: int,
    ) -> tuple[Change, ...]:
        """Replace the content of a message, which may still be pending.

        A message that has not been sent yet is changed where it waits.
        """
        pending = self.outbox.get(TxnId(target))
        if pending is not None and pending.status in (WAITING, FAILED):
            self.outbox.set_content(pending.txn_id, content)
            return (OutboxChanged(room_id, pending.txn_id),)
        return self._queue(
            Outgoing(
                txn_id=txn_id,
                room_id=room_id,
                kind=REPLACE,
                type=self._type_of(room_id, target),
                content=content,
                created_ms=now_ms,
                target=None if pending else EventId(target),
                target_txn=pending.txn_id if pending else None,
            )
        )

    def redact(
        self,
        room_id: RoomId,
        target: EventId | TxnId,
        txn_id: TxnId,
        now_ms: int,
        reason: str | None = None,
    ) -> tuple[Change, ...]:
        """Delete a message; one that has not been sent yet is just not sent."""
        pending = self.outbox.get(TxnId(target))
        if pending is not None and pending.status in (WAITING, FAILED):
            return self.cancel(pending.txn_id)
        return self._queue(
            Outgoing(
                txn_id=txn_id,
                room_id=room_id,
                kind=REDACT,
                type="m.room.redaction",
                content={} if reason is None else {"reason": reason},
                created_ms=now_ms,
                target=None if pending else EventId(target),
                target_txn=pending.txn_id if pending else None,
            )
        )

    def sending(self, txn_id: TxnId) -> tuple[Change, ...]:
        """An entry of the outbox is on its way now."""
        return _told(self.outbox.sending(txn_id))

    def sent(
        self, txn_id: TxnId, event_id: EventId, seq: int | None = None
    ) -> tuple[Change, ...]:
        """The server has stored an entry as this event, at this place of the room."""
        entry = self.outbox.sent(txn_id, event_id, seq)
        room = None if entry is None else self.rooms.get(entry.room_id)
        if room is not None:
            passed = seq is not None and seq <= room.timeline.head
            if passed or event_id in room.timeline:
                self.outbox.remove(txn_id)
        return _told(entry)

    def failed(
        self, txn_id: TxnId, error: JsonObject | None = None, *, retry: bool = False
    ) -> tuple[Change, ...]:
        """An entry was not stored: to be sent again (`retry`), or for good."""
        return _told(self.outbox.failed(txn_id, error, retry=retry))

    def retry(self, txn_id: TxnId) -> tuple[Change, ...]:
        """Send what had failed after all."""
        return _told(self.outbox.retry(txn_id))

    def cancel(self, txn_id: TxnId) -> tuple[Change, ...]:
        """Take an entry out of the outbox, with those that wait for it."""
        gone = self.outbox.cancel(txn_id)
        return tuple(OutboxChanged(entry.room_id, entry.txn_id) for entry in gone)

    def set_draft(self, room_id: RoomId, content: JsonObject | None) -> None:
        """Keep what is being written in a room; None: nothing any more."""
        if content is None:
            self.drafts.pop(room_id, None)
        else:
            self.drafts[room_id] = content

    def restore(self, outbox: Outbox) -> None:
        """Take over an outbox that was stored. Raises LocalError if one is in use."""
        if len(self.outbox):
            raise LocalError("an outbox can only be restored before anything is sent")
        self.outbox = outbox

    def _queue(self, entry: Outgoing) -> tuple[Change, ...]:
        self.outbox.add(entry)
        return _told(entry)

    def _type_of(self, room_id: RoomId, target: EventId | TxnId) -> str:
        room = self.rooms.get(room_id)
        event = room.timeline.event(EventId(target)) if room else None
        pending = self.outbox.get(TxnId(target))
        if pending is not None:
            return pending.type
        return "m.room.message" if event is None else str(event.get("type"))


def _told(entry: Outgoing | None) -> tuple[Change, ...]:
    return () if entry is None else (OutboxChanged(entry.room_id, entry.txn_id),)


def _stretch(page: JsonObject, seqs: list[int], direction: str) -> tuple[int, int]:
    """Which places a page of history covers, both ends included."""
    start, end = history_seq(text(page, "start")), history_seq(text(page, "end"))
    if direction == "f":
        first = min(seqs, default=1) if start is None else start + 1
        return first, max(seqs, default=0) if end is None else end
    last = max(seqs, default=0) if start is None else start
    # No `end` means that nothing older is left for this user.
    return (1 if "end" not in page else (end or 0) + 1), last
