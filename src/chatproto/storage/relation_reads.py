"""What is asked of events that relate to others."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from chatproto.canonical import dumps, loads
from chatproto.decisions import SeenEvent
from chatproto.ids import EventId, RoomId, UserId
from chatproto.ports import Related
from chatproto.storage import rows
from chatproto.storage.reads import Reads


class RelationReads(Reads):
    """Edits, reactions, threads, references."""

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
        order = "desc" if backwards else "asc"
        top = 2**62 if before is None else before
        values = (event_id, room_id, rel_type, event_type, after, top, limit)
        if hops == 1:
            found = self._all(f"{_RELATIONS} order by seq {order} limit ?7", *values)
            return [rows.seen_event(row) for row in found]
        sql = f"{_RELATIONS_OVER} order by seq {order} limit ?7"

        def read(connection: sqlite3.Connection) -> list[SeenEvent]:
            page = connection.execute(sql, (*values, hops))
            return [rows.seen_event(row) for row in page]

        return await self._in_thread(read)

    async def related(
        self,
        room_id: RoomId,
        event_ids: Sequence[EventId],
        user_id: UserId,
        *,
        through: int,
    ) -> Sequence[Related]:
        ids = dumps(list(event_ids)).decode()
        found = self._all(_RELATED, room_id, ids, user_id, through)
        return [_related(row) for row in found]

    async def relating(
        self, room_id: RoomId, event_ids: Sequence[EventId]
    ) -> Mapping[EventId, Sequence[tuple[str, UserId]]]:
        found: dict[EventId, list[tuple[str, UserId]]] = {}
        for target, rel_type, sender in self._all(
            _RELATING, room_id, dumps(list(event_ids)).decode()
        ):
            found.setdefault(target, []).append((rel_type, sender))
        return found

    async def annotation(
        self,
        room_id: RoomId,
        event_id: EventId,
        sender: UserId,
        key: str,
    ) -> EventId | None:
        row = self._one(
            """select event_id from events
            where relates_to=? and room_id=? and sender=? and rel_type='m.annotation'
            and redacted_by is null and json_extract(json, ?)=?""",
            event_id,
            room_id,
            sender,
            '$.content."m.relates_to".key',
            key,
        )
        return None if row is None else EventId(row[0])

    async def thread_roots(
        self,
        room_id: RoomId,
        *,
        before: int | None,
        limit: int,
        sender: UserId | None,
    ) -> Sequence[tuple[SeenEvent, int]]:
        values = (room_id, 2**62 if before is None else before, sender, limit)

        def read(connection: sqlite3.Connection) -> list[tuple[SeenEvent, int]]:
            found = connection.execute(_THREADS, values)
            return [(rows.seen_event(row[:-1]), row[-1]) for row in found]

        return await self._in_thread(read)


def _related(row: tuple[Any, ...]) -> Related:
    event_id, rel_type, count, newest, has_own, references = row
    return Related(
        event_id=event_id,
        rel_type=rel_type,
        count=count,
        newest=newest,
        has_own=bool(has_own),
        event_ids=() if references is None else tuple(loads(references)),
    )


_WHICH = """room_id=?2 and redacted_by is null
and (?3 is null or rel_type=?3) and (?4 is null or type=?4) and seq>?5 and seq<?6"""
_RELATIONS = f"select {rows.EVENT} from events where relates_to=?1 and {_WHICH}"  # noqa: S608  # constants
_RELATIONS_OVER = f"""with recursive over (event_id, hops) as (
  select event_id, 1 from events where relates_to=?1 and room_id=?2
  union select e.event_id, over.hops + 1 from over join events e
  on e.relates_to=over.event_id and e.room_id=?2 where over.hops < ?8)
select {rows.EVENT} from events
where event_id in (select event_id from over) and {_WHICH}"""  # noqa: S608  # constants
_RELATED = """select relates_to, rel_type, count(*), max(seq), max(sender is ?3),
case when rel_type='m.reference' then json_group_array(event_id) end
from events where relates_to in (select value from json_each(?2)) and room_id=?1
and rel_type in ('m.replace', 'm.thread', 'm.reference') and redacted_by is null
and seq<=?4 group by relates_to, rel_type"""
_THREADS = f"""select {rows.EVENT_OF_E}, t.newest from (
  select relates_to as root, max(seq) as newest, max(sender is ?3) as mine from events
  where room_id=?1 and rel_type='m.thread' and redacted_by is null
  group by relates_to) t
join events e on e.event_id=t.root and e.room_id=?1
where t.newest<?2 and (?3 is null or t.mine or e.sender is ?3)
order by t.newest desc limit ?4"""  # noqa: S608  # constants
_RELATING = """select distinct relates_to, rel_type, sender from events
where relates_to in (select value from json_each(?2)) and room_id=?1
and rel_type is not null and redacted_by is null"""
