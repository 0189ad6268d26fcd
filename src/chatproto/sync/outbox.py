"""What the user has sent and the server has not confirmed: local echo and outbox.

An entry goes waiting, sending, sent, and is gone once its event is in the timeline. One
entry per room is on its way at a time, so that messages keep their order. Over a
socket the event does not name its transaction, and may come before the answer to the
call: then an own event with the very same content, while the entry is on its way, is
taken for it until the answer says which event it really was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import asdict, define, evolve, field, fields_dict, frozen

from chatproto.canonical import JsonObject
from chatproto.errors import LocalError
from chatproto.ids import EventId, RoomId, TxnId
from chatproto.sync.fields import child, content_of, text
from chatproto.sync.relations import EDIT, redaction_of

WAITING, SENDING, SENT, FAILED = "waiting", "sending", "sent", "failed"
SEND, REPLACE, REDACT = "send", "edit", "redact"


@frozen(kw_only=True)
class Outgoing:
    """One message, edit or redaction on its way.

    `kind` is send, edit or redact; `status` is waiting, sending, sent or failed. An
    edit or a redaction has a `target`; until that one is confirmed itself, the target
    is known by `target_txn` only. `claimed` is the event taken for this one.
    """

    txn_id: TxnId
    room_id: RoomId
    kind: str
    type: str
    content: JsonObject
    created_ms: int
    target: EventId | None = None
    target_txn: TxnId | None = None
    status: str = WAITING
    error: JsonObject | None = None
    event_id: EventId | None = None
    seq: int | None = None
    claimed: EventId | None = None

    @property
    def is_shown(self) -> bool:
        """Whether it has to be shown besides the timeline."""
        return self.claimed is None

    def is_like(self, event: JsonObject) -> bool:
        """Whether an own event says the same."""
        if self.kind == REDACT:
            redaction = redaction_of(event)
            return redaction is not None and redaction.target == self.target
        if event.get("type") != self.type or "state_key" in event:
            return False
        content = content_of(event)
        if self.kind == SEND:
            return content == self.content
        relates_to = child(content, "m.relates_to")
        return (
            text(relates_to, "rel_type") == EDIT
            and text(relates_to, "event_id") == self.target
            and content.get("m.new_content") == self.content
        )


@define(eq=False)
class Outbox:
    """The entries in the order in which they were made. It can be stored as JSON."""

    _entries: dict[TxnId, Outgoing] = field(factory=dict)

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self, room_id: RoomId | None = None) -> tuple[Outgoing, ...]:
        found = self._entries.values()
        return tuple(e for e in found if room_id is None or e.room_id == room_id)

    def get(self, txn_id: TxnId) -> Outgoing | None:
        return self._entries.get(txn_id)

    def ready(self) -> tuple[Outgoing, ...]:
        """What may be sent now: the first entry of each room that has none on its way.

        One that has failed for good, or waits for one that has, holds nobody up.
        """
        first: dict[RoomId, Outgoing] = {}
        for entry in self._entries.values():
            open_ = entry.status in (WAITING, SENDING) and not self._is_stuck(entry)
            if open_:
                first.setdefault(entry.room_id, entry)
        return tuple(e for e in first.values() if e.status == WAITING)

    def add(self, entry: Outgoing) -> None:
        """Raises LocalError if the transaction ID is in use."""
        if entry.txn_id in self._entries:
            raise LocalError(f"the transaction ID {entry.txn_id!r} is in use")
        self._entries[entry.txn_id] = entry

    def set_content(self, txn_id: TxnId, content: JsonObject) -> None:
        """Change what has not been sent yet."""
        self._entries[txn_id] = evolve(self._entries[txn_id], content=content)

    def sending(self, txn_id: TxnId) -> Outgoing | None:
        """It is on its way."""
        return self._update(txn_id, status=SENDING, error=None)

    def sent(
        self, txn_id: TxnId, event_id: EventId, seq: int | None
    ) -> Outgoing | None:
        """It is stored at the server as this event, which may not be here yet."""
        entry = self._entries.get(txn_id)
        if entry is None:
            return None
        for other in self.entries(entry.room_id):
            if other.target_txn == txn_id:
                self._update(other.txn_id, target=event_id, target_txn=None)
            # A guess that turns out to be this one's event.
            elif other.claimed == event_id and other.txn_id != txn_id:
                self._update(other.txn_id, claimed=None)
        claimed = event_id if entry.claimed == event_id else None
        return self._update(
            txn_id, status=SENT, error=None, event_id=event_id, seq=seq, claimed=claimed
        )

    def failed(
        self, txn_id: TxnId, error: JsonObject | None, *, retry: bool
    ) -> Outgoing | None:
        """It was not stored: to be sent again, or for good."""
        status = WAITING if retry else FAILED
        return self._update(txn_id, status=status, error=error, claimed=None)

    def retry(self, txn_id: TxnId) -> Outgoing | None:
        """What had failed is to be sent after all, at its old place."""
        return self._update(txn_id, status=WAITING, error=None)

    def remove(self, txn_id: TxnId) -> Outgoing | None:
        return self._entries.pop(txn_id, None)

    def cancel(self, txn_id: TxnId) -> tuple[Outgoing, ...]:
        """Take it out, with the edits and redactions that wait for it."""
        entry = self._entries.pop(txn_id, None)
        if entry is None:
            return ()
        gone = [entry]
        for other in self.entries(entry.room_id):
            if other.target_txn == txn_id:
                gone += self.cancel(other.txn_id)
        return tuple(gone)

    def arrived(self, room_id: RoomId, event: JsonObject) -> tuple[TxnId, ...]:
        """An own event came with the stream; gives the entries this changed."""
        event_id = EventId(str(event.get("event_id")))
        txn_id = text(child(event, "unsigned"), "transaction_id")
        entries = self.entries(room_id)
        for entry in entries:
            if event_id in (entry.event_id, entry.claimed) or entry.txn_id == txn_id:
                self.sent(entry.txn_id, event_id, None)
                self.remove(entry.txn_id)
                return (entry.txn_id,)
        if txn_id is not None:
            return ()
        for entry in entries:
            on_its_way = entry.status == SENDING and entry.claimed is None
            if on_its_way and entry.is_like(event):
                self._update(entry.txn_id, claimed=event_id)
                return (entry.txn_id,)
        return ()

    def passed(self, room_id: RoomId, head: int) -> tuple[TxnId, ...]:
        """The stream is past `head`: what was stored up to there is history."""
        gone = [
            e.txn_id
            for e in self.entries(room_id)
            if e.status == SENT and e.seq is not None and e.seq <= head
        ]
        for txn_id in gone:
            self.remove(txn_id)
        return tuple(gone)

    def to_json(self) -> list[JsonObject]:
        """For storing; `of_json` reads it."""
        return [
            {k: v for k, v in asdict(e).items() if k != "claimed" and v is not None}
            for e in self._entries.values()
        ]

    @classmethod
    def of_json(cls, entries: Iterable[Mapping[str, Any]]) -> Outbox:
        """What was on its way is waiting again: a repeat stores nothing twice.

        Fields that are not known, of a later version, are left out.
        """
        outbox = cls()
        known = fields_dict(Outgoing)
        for json in entries:
            entry = Outgoing(**{k: v for k, v in json.items() if k in known})
            again = entry.status == SENDING
            outbox.add(evolve(entry, status=WAITING) if again else entry)
        return outbox

    def _is_stuck(self, entry: Outgoing) -> bool:
        if entry.target_txn is None:
            return False
        target = self._entries.get(entry.target_txn)
        return target is None or target.status == FAILED or self._is_stuck(target)

    def _update(self, txn_id: TxnId, **fields: Any) -> Outgoing | None:
        entry = self._entries.get(txn_id)
        if entry is None:
            return None
        self._entries[txn_id] = entry = evolve(entry, **fields)
        return entry
