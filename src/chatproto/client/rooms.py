"""A handle on one room: a few verbs over `Session.call`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import trio
from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, RoomId, TxnId, UserId
from chatproto.operations.messages import (
    ForwardEvent,
    GetHistory,
    GetJoinedMembers,
    HistoryPage,
    JoinedMembers,
)
from chatproto.operations.receipts import SendReceipt, SetTyping
from chatproto.operations.rooms import Invite, LeaveRoom

if TYPE_CHECKING:
    from chatproto.client.session import Session


@frozen
class Room:
    """A room of a session."""

    session: Session
    room_id: RoomId

    @property
    def state(self) -> Any:
        """What is known of the room now, None before one is in it."""
        return self.session.state.rooms.get(self.room_id)

    async def send_text(
        self,
        text: str,
        *,
        reply_to: EventId | None = None,
        thread: EventId | None = None,
        msgtype: str = "m.text",
        txn: str | None = None,
    ) -> EventId:
        """Send a text, as an answer or into a thread if asked for."""
        content: JsonObject = {"msgtype": msgtype, "body": text}
        relates_to: JsonObject = {}
        if thread is not None:
            relates_to |= {"rel_type": "m.thread", "event_id": thread}
        if reply_to is not None:
            relates_to["m.in_reply_to"] = {"event_id": reply_to}
        if relates_to:
            content["m.relates_to"] = relates_to
        return await self.send("m.room.message", content, txn=txn)

    async def send(
        self,
        event_type: str,
        content: JsonObject,
        *,
        txn: str | None = None,
    ) -> EventId:
        """Send an event; the same `txn` again sends nothing twice."""
        return await self.session.send(self.room_id, event_type, content, txn=txn)

    async def edit(
        self, event_id: EventId, text: str, *, msgtype: str = "m.text"
    ) -> EventId:
        """Replace the text of one's own message. Raises MatrixError."""
        content = {"msgtype": msgtype, "body": text}
        return await self.session.edit(self.room_id, event_id, content)

    async def redact(
        self, event_id: EventId, reason: str | None = None
    ) -> EventId | None:
        """Take the content of an event away."""
        return await self.session.redact(self.room_id, event_id, reason)

    async def react(self, event_id: EventId, key: str) -> EventId:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self.send("m.reaction", {"m.relates_to": relation})

    async def forward(self, event_id: EventId, to: RoomId, *, txn: str) -> EventId:
        """Copy a message into another room."""
        request = ForwardEvent(
            room_id=to,
            txn_id=TxnId(txn),
            from_room_id=self.room_id,
            event_id=event_id,
        )
        return (await self.session.call(request)).event_id

    async def read(self, event_id: EventId) -> None:
        """Say that everything up to an event has been read."""
        request = SendReceipt(
            room_id=self.room_id,
            receipt_type="m.read",
            event_id=event_id,
        )
        await self.session.call(request)

    async def typing(self, *, on: bool = True, timeout_ms: int = 10_000) -> None:
        request = SetTyping(
            room_id=self.room_id,
            user_id=self.session.user_id,
            typing=on,
            timeout=timeout_ms,
        )
        await self.session.call(request)

    async def history(
        self, *, limit: int = 50, before: str | None = None
    ) -> HistoryPage:
        """A page of what was before a token, or the newest."""
        request = GetHistory(room_id=self.room_id, limit=limit, from_=before)
        return await self.session.call(request)

    async def load_history(self, *, limit: int = 50) -> bool:
        """Take the page before the oldest known events into `state`.

        False if there was none. Raises MatrixError, Disconnected.
        """
        return await self.session.load_history(self.room_id, limit=limit)

    async def members(self) -> JoinedMembers:
        return await self.session.call(GetJoinedMembers(room_id=self.room_id))

    async def invite(self, user_id: UserId) -> None:
        await self.session.call(Invite(room_id=self.room_id, user_id=user_id))

    async def leave(self) -> None:
        await self.session.call(LeaveRoom(room_id=self.room_id))

    def live(self) -> AsyncIterator[JsonObject]:
        """The room's events from now on, in order, over reconnects too."""
        return self._own(self.session.subscribe())

    async def _own(
        self, events: trio.MemoryReceiveChannel[JsonObject]
    ) -> AsyncIterator[JsonObject]:
        with events:
            async for event in events:
                if event["room_id"] == self.room_id:
                    yield event
