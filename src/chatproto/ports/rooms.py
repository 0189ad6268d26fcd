"""What is asked of rooms and their events."""

from __future__ import annotations

from collections.abc import (
    Collection,
    Mapping,
    Sequence,
)
from typing import Protocol

from chatproto.decisions import Row, SeenEvent
from chatproto.ids import EventId, RoomId, UserId
from chatproto.ports.rows import (
    Related,
    RoomRow,
    TextHit,
    TextSearch,
)
from chatproto.rooms.timeline import Timeline


class RoomReads(Protocol):
    """Rooms, their events, and what relates to them."""

    async def room(self, room_id: RoomId) -> RoomRow | None: ...
    async def timeline(self, room_id: RoomId) -> Timeline | None: ...
    async def event(self, room_id: RoomId, event_id: EventId) -> SeenEvent | None: ...
    async def events(
        self,
        room_id: RoomId,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int,
        backwards: bool = False,
        ranges: Sequence[tuple[int, int]] | None = None,
    ) -> Sequence[SeenEvent]:
        """Events with after < seq < before, within ranges, oldest first (or newest)."""
        ...

    async def state_at(self, room_id: RoomId, seq: int) -> Sequence[SeenEvent]:
        """The state after event `seq`."""
        ...

    async def state_between(
        self, room_id: RoomId, after: int, through: int
    ) -> Sequence[SeenEvent]:
        """The newest event of each piece of state that changed in (after, through]."""
        ...

    async def members_at(
        self, room_id: RoomId, user_ids: Collection[UserId], seq: int
    ) -> Sequence[SeenEvent]:
        """The member events of these users that are in force after event `seq`."""
        ...

    async def state_changes(
        self, room_id: RoomId, event_type: str, state_key: str
    ) -> Sequence[SeenEvent]:
        """Every event that set one piece of state, oldest first."""
        ...

    async def seq_at(self, room_id: RoomId, pos: int) -> int:
        """The seq of the room's newest event stored at or before a pos; 0 if none."""
        ...

    async def events_at(
        self, room_id: RoomId, seqs: Sequence[int]
    ) -> Sequence[SeenEvent]:
        """The events at these places, oldest first."""
        ...

    async def replaced(
        self, room_id: RoomId, seqs: Sequence[int]
    ) -> Sequence[tuple[int, SeenEvent]]:
        """For each state event at these places, by its seq, the one that it replaced;
        without those that replaced nothing.
        """
        ...

    async def relations(
        self,
        room_id: RoomId,
        event_id: EventId,
        *,
        rel_type: str | None = None,
        event_type: str | None = None,
        after: int = 0,
        before: int | None = None,
        limit: int,
        backwards: bool = True,
        hops: int = 1,
    ) -> Sequence[SeenEvent]:
        """Events that relate to one, over so many relations in between."""
        ...

    async def related(
        self,
        room_id: RoomId,
        event_ids: Sequence[EventId],
        user_id: UserId,
        *,
        through: int,
    ) -> Sequence[Related]:
        """What relates to events by m.replace, m.thread and m.reference, as of the
        event `through`, without what has been redacted.
        """
        ...

    async def relating(
        self, room_id: RoomId, event_ids: Sequence[EventId]
    ) -> Mapping[EventId, Sequence[tuple[str, UserId]]]:
        """For each of these events the relations to it, as (rel_type, sender)."""
        ...

    async def annotation(
        self, room_id: RoomId, event_id: EventId, sender: UserId, key: str
    ) -> EventId | None:
        """The sender's own reaction with this key, if there is one not redacted."""
        ...

    async def thread_roots(
        self, room_id: RoomId, *, before: int | None, limit: int, sender: UserId | None
    ) -> Sequence[tuple[SeenEvent, int]]:
        """Thread roots with the seq of the newest answer, the newest answered first."""
        ...

    async def search_texts(
        self, search: TextSearch, *, limit: int
    ) -> tuple[Sequence[TextHit], int]:
        """Messages, room names and topics with all words of a text, the last by its
        beginning; and about how many there are.

        A message that was edited is found by the words of its newest edit.
        """
        ...

    async def reports(self, *, after: int, limit: int) -> Sequence[Row]:
        """What has been reported, after the report with an ID, the oldest first."""
        ...
