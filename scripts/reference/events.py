"""What events there are."""

from __future__ import annotations

import attrs

from chatproto.events import EVENT_TYPES
from chatproto.events.declare import EventKind, EventType
from chatproto.events.redaction import RULES_V11
from chatproto.events.relations import Forwarded
from chatproto.operations.codec import hints, is_required
from scripts.reference.markdown import anchor, code, shown_type, table

_IN_ROOMS = (EventKind.STATE, EventKind.MESSAGE)
_KINDS = {
    EventKind.STATE: "A room's state: by type and state key, the newest counts.",
    EventKind.MESSAGE: "What is said in a room; it has no state key.",
    EventKind.EPHEMERAL: "Shown and forgotten.",
    EventKind.ACCOUNT_DATA: "Kept for one user, for all their devices.",
    EventKind.TO_DEVICE: "Past every room, for one device.",
}
# Contents whose keys are not fixed read themselves.
_SHAPES = {
    "m.direct": "`{user ID: [room ID, ...]}`",
    "m.receipt": '`{event ID: {receipt type: {user ID: {"ts": ms, "thread_id": id?}}}}`'
    " with the receipt types `m.read` and `m.read.private`",
}
_INTRO = """# Event types

An event of another type is carried as it is, and so are keys of a content that are not
listed here. What *lifts* a chat and what *counts* as unread,
[positions and sync](../protocol/sync.md#which-events-lift-and-count) explains. A module
brings [types of its own](../how-to/write-a-module.md).

A redaction takes all of the content that is not listed as kept, and of the event itself
all but these keys: {top} (room version 11).
"""


def page() -> str:
    parts = [_INTRO.format(top=code(*sorted(RULES_V11.top))), _overview()]
    for kind in dict.fromkeys(t.kind for t in EVENT_TYPES):
        parts.append(f"## {_words(kind).capitalize()}\n\n{_KINDS[kind]}\n")
        parts += [_event(t) for t in EVENT_TYPES if t.kind is kind]
    parts.append(f"## {Forwarded.__name__}\n\n{_fields(Forwarded)}")
    return "\n".join(parts)


def _overview() -> str:
    rows = [
        (
            f"[{t.type}](#{anchor(t.type)})",
            _words(t.kind),
            "yes" if t.kind is EventKind.STATE else "no",
            "yes" if t.bumps else "",
            "yes" if t.counts else "",
            _kept(t),
        )
        for t in EVENT_TYPES
    ]
    head = ("type", "kind", "state", "lifts", "counts", "a redaction keeps")
    return table(head, rows)


def _words(kind: EventKind) -> str:
    return kind.value.replace("_", " ")


def _kept(event_type: EventType) -> str:
    if event_type.kind not in _IN_ROOMS:
        return ""
    kept = RULES_V11.content.get(event_type.type, frozenset())
    if kept is None:
        return "everything"
    return code(*sorted(kept)) or "nothing"


def _event(event_type: EventType) -> str:
    shape = _SHAPES.get(event_type.type)
    content = f"The content is {shape}.\n" if shape else _fields(event_type.content)
    doc = " ".join(event_type.doc.split())
    return f"### {event_type.type}\n\n{doc}\n\n{content}"


def _fields(kind: type) -> str:
    rows = [
        (
            code(f.metadata.get("key", f.name)),
            shown_type(hints(kind)[f.name]),
            "yes" if is_required(f) else "no",
        )
        for f in attrs.fields(kind)
    ]
    head = ("content", "type", "required")
    return table(head, rows) if rows else "No content of its own.\n"
