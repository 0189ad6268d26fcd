"""The rows of a timeline as they are shown: events with what others did to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import evolve, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, TxnId, UserId
from chatproto.sync.fields import child, content_of, is_state, number, seq_of, text
from chatproto.sync.outbox import REDACT, REPLACE, SEND, Outgoing
from chatproto.sync.policy import is_edit, is_redacted
from chatproto.sync.relations import (
    REACTION,
    Reaction,
    Relations,
    Thread,
    reply_target,
    thread_root,
)
from chatproto.sync.timeline import Timeline

FORWARDED = "org.chatproto.forwarded"
_ABSORBED = ("m.reaction", "m.room.redaction")


@frozen(kw_only=True)
class TimelineItem:
    """One row.

    `content` is the newest, with `edited` true if it is not the first; it is empty
    where `redacted`. `status` is None for what the server has, else that of the newest
    entry of the outbox that makes or changes this row: waiting, sending, sent or failed,
    and `outgoing` is what the entry does: send, edit or redact. A row has an event ID,
    a transaction ID, or both. `event` is the original.
    """

    event_id: EventId | None
    seq: int | None
    sender: UserId
    type: str
    state_key: str | None
    ts: int
    content: JsonObject
    event: JsonObject
    edited: bool = False
    redacted: bool = False
    redacted_by: UserId | None = None
    reactions: tuple[Reaction, ...] = ()
    reply_to: EventId | None = None
    thread_root: EventId | None = None
    thread: Thread | None = None
    forwarded: JsonObject | None = None
    txn_id: TxnId | None = None
    status: str | None = None
    outgoing: str | None = None
    error: JsonObject | None = None

    def picture(self) -> JsonObject:
        """The row as JSON; what is absent or false is left out."""
        reactions = {r.key: list(r.senders) for r in self.reactions}
        thread = self.thread
        full: JsonObject = {
            "event_id": self.event_id,
            "seq": self.seq,
            "sender": self.sender,
            "type": self.type,
            "state_key": self.state_key,
            "ts": self.ts,
            "content": self.content,
            "edited": self.edited,
            "redacted": self.redacted,
            "redacted_by": self.redacted_by,
            "reactions": reactions or None,
            "reply_to": self.reply_to,
            "thread_root": self.thread_root,
            "thread": thread and {"count": thread.count, "latest": thread.latest},
            "forwarded": self.forwarded,
            "txn_id": self.txn_id,
            "status": self.status,
            "outgoing": self.outgoing,
            "error": self.error,
        }
        return {k: v for k, v in full.items() if v is not None and v is not False}


def timeline_items(
    timeline: Timeline,
    outgoing: Sequence[Outgoing] = (),
    own: UserId | None = None,
) -> tuple[TimelineItem, ...]:
    """The rows of a room: what it knows, then what is on its way, in order."""
    relations = timeline.relations
    rows = [
        item_of(event, relations)
        for event in timeline.events()
        if is_row(event, relations)
    ]
    if not outgoing or own is None:
        return tuple(rows)
    places = {row.event_id: place for place, row in enumerate(rows)}
    shown = [entry for entry in outgoing if entry.is_shown]
    for entry in shown:
        place = places.get(_target(entry))
        if place is not None:
            rows[place] = _overlaid(rows[place], entry, own)
    return (*rows, *_echoes(shown, own))


def is_row(event: JsonObject, relations: Relations) -> bool:
    """Whether an event is a row by itself.

    Edits and reactions belong to their target. What is left of a redacted edit looks
    like a redacted message; the server's word that it never counted tells.
    """
    if event.get("type") in _ABSORBED or is_edit(event):
        return False
    return is_state(event) or not relations.never_counted(_id(event))


def item_of(event: JsonObject, relations: Relations) -> TimelineItem:
    """The row of an event."""
    redaction = relations.redaction(_id(event))
    gone = redaction is not None or is_redacted(event)
    edit = None if gone else relations.edit(event)
    content = content_of(event)
    state_key = text(event, "state_key")
    return TimelineItem(
        event_id=_id(event),
        seq=seq_of(event),
        sender=UserId(str(event.get("sender"))),
        type=str(event.get("type")),
        state_key=state_key,
        ts=number(event, "origin_server_ts") or 0,
        content=content if edit is None else edit.new_content,
        event=event,
        edited=edit is not None,
        redacted=gone,
        redacted_by=redaction.sender if redaction else None,
        reactions=() if gone else relations.reactions(event),
        reply_to=reply_target(event),
        thread_root=thread_root(event),
        thread=relations.thread(event),
        forwarded=child(content, FORWARDED) or None,
    )


def echo_of(entry: Outgoing, own: UserId) -> TimelineItem:
    """The row of a message that the server does not have yet."""
    event: JsonObject = {
        "type": entry.type,
        "sender": own,
        "content": entry.content,
        "origin_server_ts": entry.created_ms,
    }
    return TimelineItem(
        event_id=entry.event_id,
        seq=None,
        sender=own,
        type=entry.type,
        state_key=None,
        ts=entry.created_ms,
        content=entry.content,
        event=event,
        reply_to=reply_target(event),
        thread_root=thread_root(event),
        forwarded=child(entry.content, FORWARDED) or None,
        txn_id=entry.txn_id,
        status=entry.status,
        outgoing=entry.kind,
        error=entry.error,
    )


def _echoes(entries: Iterable[Outgoing], own: UserId) -> Iterable[TimelineItem]:
    """Pending messages, as the edits and redactions that wait for them will have them."""
    rows: dict[TxnId, TimelineItem] = {}
    ids: dict[EventId, TxnId] = {}
    for entry in entries:
        if entry.kind == SEND and not _is_absorbed(entry):
            rows[entry.txn_id] = echo_of(entry, own)
            if entry.event_id is not None:
                ids[entry.event_id] = entry.txn_id
            continue
        target = _target(entry)
        txn_id = entry.target_txn or (ids.get(target) if target else None)
        if txn_id is not None and txn_id in rows:
            rows[txn_id] = _overlaid(rows[txn_id], entry, own)
    return rows.values()


def _overlaid(row: TimelineItem, entry: Outgoing, own: UserId) -> TimelineItem:
    told = evolve(row, status=entry.status, outgoing=entry.kind, error=entry.error)
    if entry.kind == REPLACE:
        return evolve(told, content=entry.content, edited=True)
    if entry.kind == REDACT:
        return told
    key = text(child(entry.content, "m.relates_to"), "key") or ""
    return evolve(row, reactions=_with_reaction(row.reactions, key, own))


def _with_reaction(
    reactions: tuple[Reaction, ...], key: str, own: UserId
) -> tuple[Reaction, ...]:
    if not any(r.key == key for r in reactions):
        return (*reactions, Reaction(key=key, senders=(own,)))
    return tuple(
        evolve(r, senders=(*r.senders, own))
        if r.key == key and own not in r.senders
        else r
        for r in reactions
    )


def _target(entry: Outgoing) -> EventId | None:
    if entry.kind != SEND:
        return entry.target
    relates_to = child(entry.content, "m.relates_to")
    if text(relates_to, "rel_type") != REACTION:
        return None
    target = text(relates_to, "event_id")
    return None if target is None else EventId(target)


def _is_absorbed(entry: Outgoing) -> bool:
    return entry.type in _ABSORBED


def _id(event: JsonObject) -> EventId:
    return EventId(str(event.get("event_id")))
