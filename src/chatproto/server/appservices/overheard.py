"""What is not stored, kept for an application service until the next transaction.

Only the newest of each kind is kept: who is writing in a room, what somebody's presence
is, how far they have read. What a server that ends had not told is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import PutReceipt
from chatproto.ids import RoomId, UserId

MAX_KEPT = 2_000

_Key: TypeAlias = tuple[str, str]


@frozen
class Overheard:
    """An ephemeral event, and whom it concerns.

    A user's own is told whatever rooms they are in; a private one is told of one's own
    users only.
    """

    event: JsonObject
    rooms: tuple[RoomId, ...]
    user_id: UserId | None = None
    is_private: bool = False


@define(eq=False)
class Ears:
    """Hears what is told to readers; `heard` is called when there is something."""

    heard: Callable[[], None]
    _kept: dict[_Key, Overheard] = field(factory=dict)

    def typing(self, room_id: RoomId, user_ids: list[UserId]) -> None:
        content = {"user_ids": user_ids}
        event = {"type": "m.typing", "room_id": room_id, "content": content}
        self._keep(("typing", room_id), Overheard(event, (room_id,)))

    def presence(
        self, user_id: UserId, content: JsonObject, rooms: Iterable[RoomId]
    ) -> None:
        event = {"type": "m.presence", "sender": user_id, "content": content}
        self._keep(("presence", user_id), Overheard(event, (*rooms,), user_id))

    def receipt(self, receipt: PutReceipt) -> None:
        if receipt.type == "m.fully_read":
            return
        told: JsonObject = {"ts": receipt.ts}
        if receipt.thread_id is not None:
            told["thread_id"] = receipt.thread_id
        room_id, user_id = receipt.room_id, receipt.user_id
        content = {receipt.event_id: {receipt.type: {user_id: told}}}
        event = {"type": "m.receipt", "room_id": room_id, "content": content}
        key = f"{room_id} {user_id} {receipt.type} {receipt.thread_id}"
        private = receipt.type == "m.read.private"
        overheard = Overheard(event, (room_id,), user_id, private)
        self._keep(("receipt", key), overheard)

    @property
    def is_empty(self) -> bool:
        return not self._kept

    def take(self, limit: int) -> list[Overheard]:
        """The oldest of what has been kept, which is then kept no more."""
        keys = [key for key, _ in zip(self._kept, range(limit), strict=False)]
        return [self._kept.pop(key) for key in keys]

    def _keep(self, key: _Key, overheard: Overheard) -> None:
        self._kept.pop(key, None)
        if len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = overheard
        self.heard()
