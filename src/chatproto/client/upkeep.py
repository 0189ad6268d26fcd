"""What goes on under a session: its state kept as the server has it.

Theory of operation. `Link` keeps a socket open; what comes over it is folded into the
state, and goes on from the position reached after every interruption, so nothing is
missed and nothing is there twice. `Calls` gives each call its answer. `Sending` sends
the outbox, again after a reconnect, which is harmless, for each message has its
transaction ID. `LiveEvents` makes of the changes what a bot wants to hear.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import trio

from chatproto.canonical import JsonObject
from chatproto.client.calls import Calls
from chatproto.client.feed import Feed
from chatproto.client.groups import only_error
from chatproto.client.link import Guest, Link, NotSent
from chatproto.client.live import LiveEvents
from chatproto.client.outbox import OutboxFile, Stored
from chatproto.client.reconnect import Backoff, Reconnect
from chatproto.client.sending import Sending
from chatproto.client.tokens import Credentials, has_expired
from chatproto.client.transport import Disconnected, Transport
from chatproto.errors import LocalError, MatrixError
from chatproto.ids import DeviceId, RoomId
from chatproto.operations.codec import unstructure
from chatproto.operations.declare import Call, OperationTable
from chatproto.operations.messages import GetHistory
from chatproto.sync.changes import (
    Change,
    OutboxChanged,
    PresenceChanged,
    TimelineChanged,
    TypingChanged,
)
from chatproto.sync.outbox import Outbox
from chatproto.sync.store import ClientState
from chatproto.wire import frames


class Upkeep:
    """Keeps `state` up; `now_ms` gives the time of day in milliseconds.

    Of each room about `keep_events` are kept; None: all.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        state: ClientState,
        device_id: DeviceId | None,
        *,
        operations: OperationTable,
        outbox: OutboxFile | None,
        backoff: Backoff | None,
        keep_events: int | None,
        now_ms: Callable[[], int],
    ) -> None:
        self.state = state
        self.device_id = device_id
        self._now_ms = now_ms
        self.synced = trio.Event()
        self.changes: Feed[tuple[Change, ...]] = Feed()
        self._credentials = credentials
        self._operations = operations
        self._file = outbox
        self._keep_events = keep_events
        self._expiry_changed = trio.Event()
        self.link = Link(
            self._guest(),
            transport,
            credentials,
            Reconnect(backoff or Backoff(random.random)),
        )
        self._calls = Calls(self.link.send)
        self.sending = Sending(
            state,
            ask=self._ask,
            tell=self.tell,
            save=self._save_outbox,
            now_ms=now_ms,
        )
        self.live = LiveEvents(state, self.page)
        if outbox is not None:
            self._restore(outbox.load())

    async def call(self, request: Call[Any]) -> Any:
        """Raises MatrixError, Disconnected."""
        while True:
            await self.link.wait_open()
            try:
                return await self._ask(request)
            except NotSent:
                await trio.lowlevel.checkpoint()

    async def run(self) -> None:
        """Keep connected until cancelled, or until there is no use.

        Raises MatrixError if one has to log in again, Disconnected if the server wants
        no more of this client, RemoteError if it broke the protocol.
        """
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.live.run)
                nursery.start_soon(self._expire)
                await self.link.run()
        except BaseExceptionGroup as group:
            raise only_error(group) from None
        finally:
            self._end()

    async def page(self, room_id: RoomId, before: str, limit: int) -> None:
        """Take a page of a room's history into the state, from a token back.

        Raises MatrixError, Disconnected.
        """
        request = GetHistory(room_id=room_id, dir="b", from_=before, limit=limit)
        page = unstructure(await self.call(request))
        self.tell(self.state.apply_history(room_id, page))

    def tell(self, changes: tuple[Change, ...]) -> None:
        """Pass on what has changed in the state."""
        if not changes:
            return
        for change in changes:
            if isinstance(change, OutboxChanged):
                self.sending.heard(change)
            elif isinstance(change, TypingChanged | PresenceChanged):
                self._expiry_changed.set()
        self.live.heard(changes)
        self.changes.tell(changes)

    async def _ask(self, request: Call[Any]) -> Any:
        used = self.link.token
        try:
            return await self._calls.ask(self._operations.of(request), request)
        except MatrixError as error:
            if not has_expired(error) or not self._credentials.can_renew:
                raise
        await self.link.renew(used)
        raise NotSent(None, "the access token had run out; there is a new one")

    # the link's guest

    def _guest(self) -> Guest:
        return Guest(
            position=lambda: self.state.position,
            take=self._take,
            work=lambda: self.sending.run(),
            settled=lambda: self._calls.settled(),
            lost=self._lost,
        )

    def _take(self, frame: frames.Frame) -> None:
        match frame:
            case frames.Reply():
                self._calls.answered(frame)
            case frames.Resync():
                self.tell(self.state.resync())
            case frames.Push():
                self._push(frame)
            case _:
                pass

    def _push(self, frame: frames.Push) -> None:
        json: JsonObject = {"push": list(frame.items)}
        if frame.at is not None:
            json["at"] = frame.at
        changes = self.state.apply_frame(json, self._now_ms())
        self.tell(changes)
        self._trim(changes)
        # A snapshot comes in parts; the last one says at which position it is whole.
        if frame.at is not None and not self.synced.is_set():
            self.live.begin()
            self.synced.set()

    def _trim(self, changes: tuple[Change, ...]) -> None:
        """Forget what is old, a good deal at a time; not while news are fetched."""
        keep = self._keep_events
        if keep is None or self.live.is_behind:
            return
        for change in changes:
            if isinstance(change, TimelineChanged):
                timeline = self.state.rooms[change.room_id].timeline
                if len(timeline) > 2 * keep:
                    timeline.trim(keep)

    def _lost(self) -> None:
        self._calls.cut(Disconnected(1006, "the connection was lost before the answer"))
        self.sending.lost()

    async def _expire(self) -> None:
        while True:
            self._expiry_changed = trio.Event()
            at_ms = self.state.next_expiry()
            wait_s = float("inf") if at_ms is None else (at_ms - self._now_ms()) / 1000
            with trio.move_on_after(max(0, wait_s)):
                await self._expiry_changed.wait()
            self.tell(self.state.expire(self._now_ms()))

    # the outbox

    def _restore(self, stored: Stored) -> None:
        if len(stored.outbox) and stored.user_id != self.state.user_id:
            raise LocalError(f"this outbox holds messages of {stored.user_id}")
        self.state.restore(stored.outbox)

    def _save_outbox(self, outbox: Outbox) -> None:
        if self._file is not None:
            user_id = self.state.user_id
            self._file.save(
                Stored(user_id=user_id, device_id=self.device_id, outbox=outbox)
            )

    def _end(self) -> None:
        self.synced.set()
        self.sending.end(self.link.ended or Disconnected(None, "the session is over"))
        self.changes.close()
        self.live.feed.close()
