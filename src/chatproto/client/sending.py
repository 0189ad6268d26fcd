"""What the user says, on its way to the server: in order, and once."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from chatproto.canonical import JsonObject
from chatproto.client.calls import Pending
from chatproto.client.transport import Disconnected
from chatproto.errors import ChatprotoError, MatrixError
from chatproto.ids import EventId, RoomId, TxnId
from chatproto.operations.declare import Call
from chatproto.operations.messages import EditMessage, RedactEvent, SendEvent, Sent
from chatproto.sync.changes import Change, OutboxChanged
from chatproto.sync.outbox import FAILED, REDACT, REPLACE, SENDING, Outbox, Outgoing
from chatproto.sync.store import ClientState


class Unsent(ChatprotoError):  # noqa: N818  # somebody wanted it so
    """A message was taken back before it was sent."""


class Sending:
    """Sends what is in the outbox of `state`, each room's messages in turn.

    `ask` calls the server, `tell` passes changes on, `save` puts the outbox on the
    disk, and `now_ms` gives the time of day in milliseconds.
    """

    def __init__(
        self,
        state: ClientState,
        *,
        ask: Callable[[Call[Any]], Awaitable[Any]],
        tell: Callable[[tuple[Change, ...]], None],
        save: Callable[[Outbox], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._state = state
        self._ask = ask
        self._tell = tell
        self._save = save
        self._now_ms = now_ms
        self._waiting: dict[TxnId, Pending[EventId]] = {}
        self._asked: set[TxnId] = set()
        self._changed = trio.Event()

    async def send(
        self, room_id: RoomId, event_type: str, content: JsonObject, txn: str | None
    ) -> EventId:
        """See `Session.send`."""
        txn_id, state = TxnId(txn or new_txn()), self._state
        known = state.outbox.get(txn_id)
        if known is None:
            now_ms = self._now_ms()
            self._tell(state.send(room_id, event_type, content, txn_id, now_ms))
        elif known.status == FAILED:
            self._tell(state.retry(txn_id))
        return await self._sent(txn_id)

    async def edit(
        self, room_id: RoomId, target: EventId | TxnId, content: JsonObject
    ) -> EventId:
        """See `Session.edit`."""
        txn_id, state = TxnId(new_txn()), self._state
        self._tell(state.edit(room_id, target, content, txn_id, self._now_ms()))
        if state.outbox.get(txn_id) is None:  # it was changed where it waits
            txn_id = TxnId(target)
            self._tell(state.retry(txn_id))
        return await self._sent(txn_id)

    async def redact(
        self, room_id: RoomId, target: EventId | TxnId, reason: str | None
    ) -> EventId | None:
        """See `Session.redact`."""
        txn_id, state = TxnId(new_txn()), self._state
        self._tell(state.redact(room_id, target, txn_id, self._now_ms(), reason))
        if state.outbox.get(txn_id) is None:  # it was taken back
            return None
        return await self._sent(txn_id)

    def retry(self, txn_id: TxnId) -> None:
        """Send what had been refused after all."""
        self._tell(self._state.retry(txn_id))
        self.changed()

    def cancel(self, txn_id: TxnId) -> None:
        """Take back what has not been sent yet, or was refused."""
        self._tell(self._state.cancel(txn_id))
        self.changed()

    async def _sent(self, txn_id: TxnId) -> EventId:
        """Wait until an entry is stored at the server, and give its event.

        Raises MatrixError if it was refused, Unsent if it was taken back.
        """
        entry = self._state.outbox.get(txn_id)
        if entry is not None and entry.event_id is not None:
            return entry.event_id
        pending = self._waiting.setdefault(txn_id, Pending())
        self.changed()
        return await pending.wait()

    async def flushed(self) -> None:
        """Wait until nothing is left that can be sent."""
        while self._is_open():
            await self._changed.wait()

    def changed(self) -> None:
        """Something was put in, or taken out."""
        self._save(self._state.outbox)
        self._wake()

    def heard(self, change: OutboxChanged) -> None:
        """The state has changed an entry; who waits for one that is gone is told."""
        txn_id = change.txn_id
        if txn_id in self._asked or self._state.outbox.get(txn_id) is not None:
            return
        event_id = self._event_of(change)
        if event_id is None:
            error = Unsent("the message was taken back before it was sent")
            self._settle(txn_id, lambda pending: pending.fail(error))
        else:
            self._settle(txn_id, lambda pending: pending.set(event_id))
        self.changed()

    async def run(self) -> None:
        """Send what is ready, for as long as the connection is open."""
        async with trio.open_nursery() as nursery:
            while True:
                for entry in self._state.outbox.ready():
                    self._tell(self._state.sending(entry.txn_id))
                    nursery.start_soon(self._send, entry)
                await self._changed.wait()

    def lost(self) -> None:
        """The connection has ended: what was on its way is waiting again."""
        for entry in self._state.outbox.entries():
            if entry.status == SENDING:
                self._tell(self._state.failed(entry.txn_id, retry=True))

    def end(self, error: BaseException) -> None:
        """Nothing will be sent any more."""
        for pending in self._waiting.values():
            pending.fail(error)
        self._waiting.clear()

    async def _send(self, entry: Outgoing) -> None:
        self._asked.add(entry.txn_id)
        try:
            sent: Sent = await self._ask(request_of(entry))
        except Disconnected:
            return  # it will be waiting again, for the next connection
        except MatrixError as error:
            await self._refused(entry, error)
        else:
            self._settle(entry.txn_id, lambda pending: pending.set(sent.event_id))
            self._tell(self._state.sent(entry.txn_id, sent.event_id, sent.seq))
            self.changed()
        finally:
            self._asked.discard(entry.txn_id)

    async def _refused(self, entry: Outgoing, error: MatrixError) -> None:
        retry = error.retry_after_ms is not None
        if retry:
            await trio.sleep((error.retry_after_ms or 0) / 1000)
        else:
            self._settle(entry.txn_id, lambda pending: pending.fail(error))
        self._tell(self._state.failed(entry.txn_id, error.to_json(), retry=retry))
        self.changed()

    def _settle(
        self, txn_id: TxnId, settle: Callable[[Pending[EventId]], None]
    ) -> None:
        pending = self._waiting.pop(txn_id, None)
        if pending is not None:
            settle(pending)

    def _event_of(self, change: OutboxChanged) -> EventId | None:
        """The event that turned out to be this entry's."""
        room = self._state.rooms.get(change.room_id)
        for event in reversed(room.timeline.events() if room else []):
            if event.get("unsigned", {}).get("transaction_id") == change.txn_id:
                return EventId(event["event_id"])
        return None

    def _is_open(self) -> bool:
        outbox = self._state.outbox
        on_its_way = any(e.status == SENDING for e in outbox.entries())
        return on_its_way or bool(outbox.ready())

    def _wake(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()


def new_txn() -> str:
    """A transaction ID that no other program makes."""
    return f"c{os.urandom(9).hex()}"


def request_of(entry: Outgoing) -> Call[Sent]:
    """The call by which an entry is sent."""
    if entry.kind == REDACT:
        assert entry.target is not None
        return RedactEvent(
            room_id=entry.room_id,
            event_id=entry.target,
            txn_id=entry.txn_id,
            reason=entry.content.get("reason"),
        )
    if entry.kind == REPLACE:
        assert entry.target is not None
        return EditMessage(
            room_id=entry.room_id,
            event_id=entry.target,
            txn_id=entry.txn_id,
            content=entry.content,
        )
    return SendEvent(
        room_id=entry.room_id,
        event_type=entry.type,
        txn_id=entry.txn_id,
        content=entry.content,
    )
