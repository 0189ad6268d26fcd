"""Who has read up to where.

A receipt is m.read, which others see, or m.read.private, which they do not. It holds
for the room, or with a `thread_id` for one thread ("main" for what is in none).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from attrs import frozen

from chatproto.canonical import JsonObject, object_of
from chatproto.events.declare import EventKind, EventType
from chatproto.ids import EventId, UserId

READ = "m.read"
READ_PRIVATE = "m.read.private"
MAIN_THREAD = "main"


@frozen(kw_only=True)
class Receipt:
    """One user's receipt; `ts` in milliseconds, `thread_id` None for the whole room."""

    event_id: EventId
    type: str
    user_id: UserId
    ts: int | None = None
    thread_id: str | None = None


@frozen(kw_only=True)
class Receipts:
    """Who has read up to where."""

    receipts: tuple[Receipt, ...]

    @classmethod
    def from_content(cls, content: JsonObject) -> Receipts:
        return cls(receipts=tuple(_receipts(content)))


def _receipts(content: JsonObject) -> Iterator[Receipt]:
    for event_id, by_type in content.items():
        for receipt_type, by_user in _object(by_type).items():
            for user_id, data in _object(by_user).items():
                ts, thread_id = _object(data).get("ts"), data.get("thread_id")
                yield Receipt(
                    event_id=EventId(event_id),
                    type=receipt_type,
                    user_id=UserId(user_id),
                    ts=ts if type(ts) is int else None,
                    thread_id=thread_id if isinstance(thread_id, str) else None,
                )


def _object(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    return object_of(cast(object, value))


EVENTS = (EventType("m.receipt", EventKind.EPHEMERAL, Receipts),)
