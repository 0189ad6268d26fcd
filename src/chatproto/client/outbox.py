"""What was said and not stored yet: on the disk, and on its way, in order."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio
from attrs import field, frozen

from chatproto.client.calls import Pending
from chatproto.client.transport import Disconnected
from chatproto.errors import ChatprotoError, LocalError, MatrixError
from chatproto.ids import DeviceId, EventId, TxnId, UserId, localpart
from chatproto.operations.declare import Call
from chatproto.operations.messages import EditMessage, RedactEvent, SendEvent, Sent
from chatproto.sync.changes import Change, OutboxChanged
from chatproto.sync.outbox import REDACT, REPLACE, SENDING, Outbox, Outgoing
from chatproto.sync.store import ClientState


class Unsent(ChatprotoError):  # noqa: N818  # somebody wanted it so
    """A message was taken back before it was sent."""


@frozen(kw_only=True)
class Stored:
    """An outbox with whose it is. Repeats are known by the device that sent them."""

    user_id: UserId | None = None
    device_id: DeviceId | None = None
    outbox: Outbox = field(factory=Outbox)

    def device_of(self, user: str | None) -> DeviceId | None:
        """The device, if the outbox is that of a user by name or ID."""
        own = self.user_id or ""
        return self.device_id if user in (own, localpart(own)) else None


@frozen
class OutboxFile:
    """Keeps an outbox as JSON; each change is on the disk before it counts."""

    path: Path

    def load(self) -> Stored:
        """Raises LocalError if the file holds something else."""
        try:
            kept = json.loads(self.path.read_text())
            outbox = Outbox.of_json(kept["entries"])
            return Stored(
                user_id=kept["user_id"], device_id=kept["device_id"], outbox=outbox
            )
        except FileNotFoundError:
            return Stored()
        except (ValueError, TypeError, LookupError) as error:
            raise LocalError(f"{self.path} does not hold an outbox: {error}") from None

    def save(self, stored: Stored) -> None:
        """Replace the file whole, so that a crash leaves the old or the new one."""
        kept = {
            "user_id": stored.user_id,
            "device_id": stored.device_id,
            "entries": stored.outbox.to_json(),
        }
        partial = self.path.with_name(f"{self.path.name}.part")
        with partial.open("w") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)


class Sending:
    """Sends what is in the outbox of `state`, each room's messages in turn.

    `ask` calls the server, `tell` passes changes on, `save` puts the outbox on the
    disk.
    """

    def __init__(
        self,
        state: ClientState,
        *,
        ask: Callable[[Call[Any]], Awaitable[Any]],
        tell: Callable[[tuple[Change, ...]], None],
        save: Callable[[Outbox], None],
    ) -> None:
        self._state = state
        self._ask = ask
        self._tell = tell
        self._save = save
        self._waiting: dict[TxnId, Pending[EventId]] = {}
        self._asked: set[TxnId] = set()
        self._changed = trio.Event()

    async def sent(self, txn_id: TxnId) -> EventId:
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
