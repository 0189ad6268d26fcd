"""What events say about other events: edits, reactions, threads, redactions.

Relations are facts held by the ID of their target, which may come later or never. So
the order in which events come makes no difference; which of several wins is decided
by seq, when it is asked for.
"""

from __future__ import annotations

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, UserId
from chatproto.sync.fields import REDACTS, child, content_of, is_state, seq_of, text

EDIT = "m.replace"
REACTION = "m.annotation"
THREAD = "m.thread"


@frozen(kw_only=True)
class Related:
    """An event that relates to another.

    `kind` is its rel_type; `key` is a reaction's, `new_content` an edit's.
    """

    event_id: EventId
    seq: int
    sender: UserId
    type: str
    kind: str
    target: EventId
    key: str = ""
    new_content: JsonObject = field(factory=dict)


@frozen(kw_only=True)
class Redaction:
    """`counted` is false if the server says that its target never counted as unread."""

    event_id: EventId
    seq: int
    sender: UserId
    target: EventId
    reason: str | None
    counted: bool


@frozen(kw_only=True)
class Reaction:
    """One key, and who reacted with it, in order."""

    key: str
    senders: tuple[UserId, ...]


@frozen(kw_only=True)
class Thread:
    """How many events answer a root, and the newest of them."""

    count: int
    latest: EventId


@define(eq=False)
class Relations:
    """The relations of one room."""

    _related: dict[EventId, dict[EventId, Related]] = field(factory=dict)
    _redactions: dict[EventId, dict[EventId, Redaction]] = field(factory=dict)

    def add(self, related: Related) -> None:
        self._related.setdefault(related.target, {})[related.event_id] = related

    def remove(self, related: Related) -> None:
        self._related.get(related.target, {}).pop(related.event_id, None)

    def redact(self, redaction: Redaction) -> None:
        held = self._redactions.setdefault(redaction.target, {})
        held[redaction.event_id] = redaction

    def redaction(self, event_id: EventId) -> Redaction | None:
        """The first redaction of an event."""
        found = self._redactions.get(event_id)
        return min(found.values(), key=lambda r: r.seq) if found else None

    def never_counted(self, event_id: EventId) -> bool:
        """Whether all redactions of an event say that it never counted as unread."""
        found = self._redactions.get(event_id)
        return bool(found) and not any(r.counted for r in (found or {}).values())

    def edit(self, target: JsonObject) -> Related | None:
        """The edit that is shown: the newest by the same sender, of the same type."""
        if is_state(target):
            return None
        edits = [
            r
            for r in self._of(target, EDIT)
            if r.sender == target.get("sender") and r.type == target.get("type")
        ]
        return max(edits, key=lambda r: r.seq, default=None)

    def reactions(self, target: JsonObject) -> tuple[Reaction, ...]:
        """By key, the one used first first."""
        senders: dict[str, list[UserId]] = {}
        for r in sorted(self._of(target, REACTION), key=lambda r: r.seq):
            of_key = senders.setdefault(r.key, [])
            if r.sender not in of_key:
                of_key.append(r.sender)
        return tuple(
            Reaction(key=key, senders=tuple(users)) for key, users in senders.items()
        )

    def reaction_id(
        self, target: JsonObject, user_id: UserId, key: str
    ) -> EventId | None:
        """The event by which a user reacted; redacting it takes the reaction away."""
        for r in self._of(target, REACTION):
            if r.sender == user_id and r.key == key:
                return r.event_id
        return None

    def thread(self, root: JsonObject) -> Thread | None:
        answers = self._of(root, THREAD)
        if not answers:
            return None
        latest = max(answers, key=lambda r: r.seq)
        return Thread(count=len(answers), latest=latest.event_id)

    def thread_roots(self) -> tuple[EventId, ...]:
        """The roots of all threads known, the one answered last first."""
        newest = {
            target: max(r.seq for r in related.values() if r.kind == THREAD)
            for target, related in self._related.items()
            if any(r.kind == THREAD for r in related.values())
        }
        return tuple(sorted(newest, key=lambda target: -newest[target]))

    def _of(self, target: JsonObject, kind: str) -> list[Related]:
        found = self._related.get(EventId(text(target, "event_id") or ""))
        return [r for r in found.values() if r.kind == kind] if found else []


def related_of(event: JsonObject) -> Related | None:
    """How an event relates to another one; None if in no way that is known."""
    content = content_of(event)
    relates_to = child(content, "m.relates_to")
    kind, target = text(relates_to, "rel_type"), text(relates_to, "event_id")
    seq = seq_of(event)
    if kind is None or target is None or seq is None or is_state(event):
        return None
    if kind == EDIT and not isinstance(content.get("m.new_content"), dict):
        return None
    return Related(
        event_id=EventId(str(event.get("event_id"))),
        seq=seq,
        sender=UserId(str(event.get("sender"))),
        type=str(event.get("type")),
        kind=kind,
        target=EventId(target),
        key=text(relates_to, "key") or "",
        new_content=child(content, "m.new_content"),
    )


def redaction_of(event: JsonObject) -> Redaction | None:
    """What an event redacts; None if it is no redaction."""
    content = content_of(event)
    target = text(content, "redacts") or text(event, "redacts")
    seq = seq_of(event)
    if event.get("type") != "m.room.redaction" or target is None or seq is None:
        return None
    told = child(child(event, "unsigned"), REDACTS)
    return Redaction(
        event_id=EventId(str(event.get("event_id"))),
        seq=seq,
        sender=UserId(str(event.get("sender"))),
        target=EventId(target),
        reason=text(content, "reason"),
        counted=told.get("counts") is not False,
    )


def reply_target(event: JsonObject) -> EventId | None:
    """The event that is answered; not the one a thread names for older clients."""
    relates_to = child(content_of(event), "m.relates_to")
    target = text(child(relates_to, "m.in_reply_to"), "event_id")
    if target is None or relates_to.get("is_falling_back") is True:
        return None
    return EventId(target)


def thread_root(event: JsonObject) -> EventId | None:
    relates_to = child(content_of(event), "m.relates_to")
    root = text(relates_to, "event_id")
    if root is None or text(relates_to, "rel_type") != THREAD:
        return None
    return EventId(root)
