"""What is asked of rooms and their history."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from chatproto.canonical import dumps
from chatproto.decisions import SeenEvent
from chatproto.ids import EventId, RoomId, UserId
from chatproto.ports import (
    RoomRow,
)
from chatproto.rooms.timeline import Timeline
from chatproto.rooms.version import room_version
from chatproto.storage import rows
from chatproto.storage.reads import Reads

LONG_PAGE = 200  # more events than this are read in a thread


class RoomReads(Reads):
    """Rooms, events and state."""

    async def room(self, room_id: RoomId) -> RoomRow | None:
        row = self._one(f"select {rows.ROOM} from rooms where room_id=?", room_id)  # noqa: S608  # a constant
        return None if row is None else rows.room_row(row)

    async def timeline(self, room_id: RoomId) -> Timeline | None:
        with self._snapshot():
            room = await self.room(room_id)
            state = self._all(_STATE_NOW, room_id)
        if room is None:
            return None
        return Timeline.restore(
            room_id,
            room_version(room.version),
            [rows.seen_event(row).pdu for row in state],
            room.head,
            room.seq,
            room.depth,
        )

    async def event(self, room_id: RoomId, event_id: EventId) -> SeenEvent | None:
        row = self._one(
            f"select {rows.EVENT} from events where event_id=? and room_id=?",  # noqa: S608  # a constant
            event_id,
            room_id,
        )
        return None if row is None else rows.seen_event(row)

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
        high = 2**62 if before is None else before
        spans = [(1, 2**62)] if ranges is None else list(ranges)
        order = "desc" if backwards else "asc"
        sql = f"""select {rows.EVENT} from events where room_id=? and seq>? and seq<?
            order by seq {order} limit ?"""  # noqa: S608  # constants

        def read(connection: sqlite3.Connection) -> list[SeenEvent]:
            found: list[SeenEvent] = []
            for low, top in reversed(spans) if backwards else spans:
                left = limit - len(found)
                if left <= 0:
                    break
                first, last = max(after, low - 1), min(high, top + 1)
                page = connection.execute(sql, (room_id, first, last, left))
                found += map(rows.seen_event, page)
            return found

        return read(self._db) if limit <= LONG_PAGE else await self._in_thread(read)

    async def state_at(self, room_id: RoomId, seq: int) -> Sequence[SeenEvent]:
        with self._snapshot():
            head = self._number("select seq from rooms where room_id=?", room_id)
            if seq >= head:
                found = self._all(_STATE_NOW, room_id)
            else:
                found = self._all(_STATE_BETWEEN, room_id, 0, seq)
        return [rows.seen_event(row) for row in found]

    async def state_between(
        self,
        room_id: RoomId,
        after: int,
        through: int,
    ) -> Sequence[SeenEvent]:
        found = self._all(_STATE_BETWEEN, room_id, after, through)
        return [rows.seen_event(row) for row in found]

    async def members_at(
        self, room_id: RoomId, user_ids: Collection[UserId], seq: int
    ) -> Sequence[SeenEvent]:
        users = dumps(sorted(user_ids)).decode()
        return [
            rows.seen_event(row) for row in self._all(_MEMBERS, room_id, users, seq)
        ]

    async def state_changes(
        self,
        room_id: RoomId,
        event_type: str,
        state_key: str,
    ) -> Sequence[SeenEvent]:
        found = self._all(
            f"""select {rows.EVENT} from events
            where room_id=? and type=? and state_key=? order by seq""",  # noqa: S608  # a constant
            room_id,
            event_type,
            state_key,
        )
        return [rows.seen_event(row) for row in found]

    async def events_at(
        self, room_id: RoomId, seqs: Sequence[int]
    ) -> Sequence[SeenEvent]:
        found = self._all(_AT, room_id, dumps(list(seqs)).decode())
        return [rows.seen_event(row) for row in found]

    async def replaced(
        self, room_id: RoomId, seqs: Sequence[int]
    ) -> Sequence[tuple[int, SeenEvent]]:
        found = self._all(_REPLACED, room_id, dumps(list(seqs)).decode())
        return [(row[-1], rows.seen_event(row[:-1])) for row in found]

    async def seq_at(self, room_id: RoomId, pos: int) -> int:
        room = self._one("select last_pos, seq from rooms where room_id=?", room_id)
        if room is None:
            return 0
        if room[0] <= pos:
            return int(room[1])
        return self._number(_SEQ_AT, room_id, pos)


_STATE_NOW = f"""select {rows.EVENT_OF_E} from state s join events e on e.pos=s.pos
where s.room_id=? order by e.seq"""  # noqa: S608  # constants
_STATE_BETWEEN = f"""select {rows.EVENT_OF_E} from events e join (
  select max(seq) as seq from events
  where room_id=?1 and state_key is not null and seq>?2 and seq<=?3
  group by type, state_key) newest
on e.room_id=?1 and e.seq=newest.seq order by e.seq"""  # noqa: S608  # constants
_SEQ_AT = """select seq from events where room_id=? and pos<=?
order by seq desc limit 1"""
_AT = f"""select {rows.EVENT} from events
where room_id=? and seq in (select value from json_each(?)) order by seq"""  # noqa: S608  # a constant
_REPLACED = f"""select {rows.EVENT_OF_E}, pairs.by from (
  select new.seq as by, (select max(old.seq) from events old
    where old.room_id=new.room_id and old.type=new.type
    and old.state_key=new.state_key and old.seq<new.seq) as seq
  from events new where new.room_id=?1 and new.state_key is not null
  and new.seq in (select value from json_each(?2))) pairs
join events e on e.room_id=?1 and e.seq=pairs.seq"""  # noqa: S608  # constants
_MEMBERS = f"""select {rows.EVENT_OF_E} from (
  select max(seq) as seq from events where room_id=?1 and type='m.room.member'
  and state_key in (select value from json_each(?2)) and seq<=?3 group by state_key) found
join events e on e.room_id=?1 and e.seq=found.seq order by e.seq"""  # noqa: S608  # constants
