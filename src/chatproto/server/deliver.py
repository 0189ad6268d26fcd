"""From what was committed to those who are to hear of it.

A batch is delivered in one go: what a room got is encoded once for all its readers,
and each reader is flushed once. Where a batch touches several rooms, its frames carry
no position; one more frame, the same for all, says where the reader then is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import define, field

from chatproto.canonical import JsonObject, dumps
from chatproto.decisions import PutReceipt
from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.server.appservices.overheard import Ears
from chatproto.server.client_format import seen_by_clients
from chatproto.server.commit import Appended, Work
from chatproto.server.positions import Position
from chatproto.server.presence import Presence
from chatproto.server.push_rules import RECOUNTING
from chatproto.server.subscriptions import Reader, Subscriptions
from chatproto.wire.frames import push_bytes
from chatproto.wire.websocket import Encoded

PRIVATE_RECEIPTS = ("m.read.private", "m.fully_read")


@define(eq=False)
class Delivery:
    """Hands news to readers. `position` tells where the server is."""

    subscriptions: Subscriptions
    position: Callable[[], Position]
    ears: Sequence[Ears] = ()
    _touched: dict[Reader, None] = field(factory=dict)

    def works(self, works: Sequence[Work]) -> None:
        """Deliver a committed batch, in order."""
        if _is_single(works):
            self._batch(works, self.position())
        else:
            self._batch(works, None)
            frame = Encoded.of(push_bytes(str(self.position()), ()))
            for reader in self._touched:
                reader.queue("at", frame)
        self._mark(self.position())

    def flush(self) -> None:
        touched, self._touched = self._touched, {}
        for reader in touched:
            reader.flush()

    def typing(self, room_id: RoomId, user_ids: list[UserId]) -> None:
        for ears in self.ears:
            ears.typing(room_id, user_ids)
        item = {"typing": {"room_id": room_id, "user_ids": user_ids}}
        readers = self.subscriptions.in_room(room_id)
        self._push("typing", [item], readers, self.position())
        self.flush()

    def presence(
        self,
        user_id: UserId,
        presence: Presence,
        now_ms: int,
        rooms: Iterable[RoomId],
    ) -> None:
        """Tell a user and those in the rooms they are in, whether they read or not."""
        content = presence.content(now_ms)
        rooms = tuple(rooms)
        for ears in self.ears:
            ears.presence(user_id, content, rooms)
        item = {"presence": {"user_id": user_id, **content}}
        users = {user_id}
        for room_id in rooms:
            users |= self.subscriptions.users_in(room_id)
        readers = [r for user in users for r in self.subscriptions.of_user(user)]
        self._push("presence", [item], readers, self.position())
        self.flush()

    # one batch

    def _batch(self, works: Sequence[Work], at: Position | None) -> None:
        by_room: dict[RoomId, list[Appended]] = {}
        for work in works:
            for appended in work.appended:
                by_room.setdefault(appended.event.pdu.room_id, []).append(appended)
        for room_id, events in by_room.items():
            self._events(room_id, events, at)
        for work in works:
            self._personal(work, at)

    def _mark(self, at: Position) -> None:
        for reader in self._touched:
            reader.mark(at)

    def _events(
        self,
        room_id: RoomId,
        events: Sequence[Appended],
        at: Position | None,
    ) -> None:
        """Push a room's events; runs between changes of membership are shared."""
        run: list[JsonObject] = []
        for appended in events:
            run.append({"event": self._client_format(appended)})
            if appended.was is not None:
                self._push("events", run, self.subscriptions.in_room(room_id), at)
                run = []
                self._membership(appended)
        if run:
            self._push("events", run, self.subscriptions.in_room(room_id), at)

    def _client_format(self, appended: Appended) -> JsonObject:
        return seen_by_clients(appended.event, redacts=appended.redacts)

    def _membership(self, appended: Appended) -> None:
        pdu = appended.event.pdu
        user_id = UserId(pdu.state_key or "")
        now = pdu.content.get("membership")
        if now == appended.was:
            return
        if appended.was == "join":
            self.subscriptions.leave(pdu.room_id, user_id)
        else:
            self._behind(user_id)
        if now == "join":
            self.subscriptions.join(pdu.room_id, user_id)

    def _personal(self, work: Work, at: Position | None) -> None:
        for _, data in work.account_data:
            if data.type in RECOUNTING and data.room_id is None:
                # What was counted by other rules is told anew, with the rules.
                self._behind(data.user_id)
                continue
            item: JsonObject = {"type": data.type, "content": data.content}
            if data.room_id is not None:
                item["room_id"] = data.room_id
            readers = self.subscriptions.of_user(data.user_id)
            self._push("account_data", [{"account_data": item}], readers, at)
        for _, receipt in work.receipts:
            self._receipt(receipt, at)
        for _, message in work.to_device:
            item = {
                "sender": message.sender,
                "type": message.type,
                "content": message.content,
            }
            readers = [
                reader
                for reader in self.subscriptions.of_user(message.user_id)
                if reader.device_id == message.device_id
            ]
            self._push("to_device", [{"to_device": item}], readers, at)

        for change in work.device_lists:
            users = {change.user_id}
            for room_id in change.rooms:
                users |= self.subscriptions.users_in(room_id)
            all_readers = [r for u in users for r in self.subscriptions.of_user(u)]
            told = {"device_lists": {"changed": [change.user_id]}}
            self._push("device_lists", [told], all_readers, at)

    def _behind(self, user_id: UserId) -> None:
        for reader in self.subscriptions.of_user(user_id):
            self._touched[reader] = None
            reader.behind()

    def catch_up(self, user_id: UserId, device_id: DeviceId | None) -> None:
        """Let a user's readers, or those of one device, read their stream anew."""
        for reader in self.subscriptions.of_user(user_id):
            if device_id in (None, reader.device_id):
                reader.behind()

    def _receipt(self, receipt: PutReceipt, at: Position | None) -> None:
        for ears in self.ears:
            ears.receipt(receipt)
        own = self.subscriptions.of_user(receipt.user_id)
        item = {"receipt": _receipt_item(receipt)}
        if receipt.type in PRIVATE_RECEIPTS:
            self._push("receipts", [item], own, at)
        else:
            readers = self.subscriptions.in_room(receipt.room_id)
            self._push("receipts", [item], readers, at)
        if receipt.unread is not None:
            unread = {"unread": {"room_id": receipt.room_id, **receipt.unread}}
            self._push("receipts", [unread], own, at)

    def _push(
        self,
        kind: str,
        items: Sequence[JsonObject],
        readers: Iterable[Reader],
        at: Position | None,
    ) -> None:
        frame: Encoded | None = None
        touched = self._touched
        for reader in readers:
            if frame is None:
                encoded = [dumps(item) for item in items]
                token = None if at is None else str(at)
                frame = Encoded.of(push_bytes(token, encoded))
            reader.queue(kind, frame)
            touched[reader] = None


def _is_single(works: Sequence[Work]) -> bool:
    """Whether every reader gets at most one frame, which can carry the position."""
    events = [a for work in works for a in work.appended]
    personal = sum(
        len(w.account_data)
        + len(w.receipts) * 2
        + len(w.to_device)
        + len(w.device_lists)
        for w in works
    )
    if events:
        rooms = {a.event.pdu.room_id for a in events}
        member = any(a.was is not None for a in events)
        return len(rooms) == 1 and not personal and not (member and len(events) > 1)
    return personal <= 1


def _receipt_item(receipt: PutReceipt) -> JsonObject:
    item: JsonObject = {
        "room_id": receipt.room_id,
        "user_id": receipt.user_id,
        "type": receipt.type,
        "event_id": receipt.event_id,
        "seq": receipt.seq,
        "ts": receipt.ts,
    }
    if receipt.thread_id is not None:
        item["thread_id"] = receipt.thread_id
    return item
