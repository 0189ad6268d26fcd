"""What is asked of the full-text index."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager

from chatproto.canonical import dumps
from chatproto.errors import MatrixError
from chatproto.ports import TextHit, TextSearch
from chatproto.storage.reads import Reads
from chatproto.storage.search_text import match_of

# Of more hits than this it is only told that there are so many.
MAX_COUNT = 10_000
MAX_SECONDS = 5.0
STEPS = 10_000  # of SQLite's machine, between two looks at the clock


class SearchReads(Reads):
    """Messages, room names and topics by their words."""

    async def search_texts(
        self, search: TextSearch, *, limit: int
    ) -> tuple[Sequence[TextHit], int]:
        match = match_of(search.term)
        if match is None or not search.spans or not search.types:
            return (), 0
        values = (
            match,
            dumps([list(span) for span in search.spans]).decode(),
            search.through,
            dumps(list(search.types)).decode(),
            _names(search.senders),
            dumps(list(search.not_senders)).decode(),
            search.contains_url,
            search.related,
            _names(search.related_rel_types),
            _names(search.related_senders),
        )
        page = _BY_RANK if search.by_rank else _BY_TIME
        part = (search.offset, search.before, search.in_room, search.by_sender, limit)

        def read(connection: sqlite3.Connection) -> tuple[list[TextHit], int]:
            with _limited(connection):
                found = connection.execute(page, (*values, *part))
                hits = [TextHit(*row) for row in found]
                (count,) = connection.execute(_COUNT, (*values, MAX_COUNT)).fetchone()
                return hits, count

        return await self._in_thread(read)


@contextmanager
def _limited(connection: sqlite3.Connection) -> Generator[None]:
    """Statements that take too long are given up.

    Raises MatrixError M_LIMIT_EXCEEDED.
    """
    ends = time.monotonic() + MAX_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > ends, STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_INTERRUPT":
            raise
        message = "this search takes too long: look for rarer words, or in fewer rooms"
        raise MatrixError("M_LIMIT_EXCEEDED", message) from None
    finally:
        connection.set_progress_handler(None, 0)


def _names(names: Collection[str] | None) -> str | None:
    return None if names is None else dumps(list(names)).decode()


# `v` is the version of a message that has the words, `t` the message itself: a hit is by
# the newest version that the searcher may see, as they would be shown it.
_HITS = """from search_texts f
cross join events v on v.pos=f.rowid
cross join events t on t.event_id=
  case when v.rel_type='m.replace' then v.relates_to else v.event_id end
cross join spans a on a.room_id=t.room_id and t.seq between a.low and a.high
where f.search_texts match ?1 and t.room_id=v.room_id and t.pos<=?3
and v.redacted_by is null and t.redacted_by is null
and v.seq<=a.through
and not exists (select 1 from events n where n.relates_to=t.event_id
  and n.rel_type='m.replace' and n.redacted_by is null
  and n.seq>v.seq and n.seq<=a.through)
and t.type in (select value from json_each(?4))
and (?5 is null or t.sender in (select value from json_each(?5)))
and t.sender not in (select value from json_each(?6))
and (?7 is null or ?7=(json_type(t.json, '$.content.url') is 'text'))
and (not ?8 or exists (select 1 from events r where r.relates_to=t.event_id
  and r.room_id=t.room_id and r.rel_type is not null and r.redacted_by is null
  and (?9 is null or r.rel_type in (select value from json_each(?9)))
  and (?10 is null or r.sender in (select value from json_each(?10)))))"""
_SPANS = """spans (room_id, low, high, through) as materialized (
  select json_extract(value, '$[0]'), json_extract(value, '$[1]'),
    json_extract(value, '$[2]'), json_extract(value, '$[3]') from json_each(?2))"""
_HIT = "t.room_id, t.seq, t.pos, t.sender, -f.rank as fit"
_PART = """where place>?11 and pos<?12 and (?13 is null or room_id=?13)
and (?14 is null or sender=?14) order by place limit ?15"""
_BY_TIME = f"""with {_SPANS}, hits as (select {_HIT} {_HITS}),
places as (select *, row_number() over (order by pos desc) as place from hits)
select * from places {_PART}"""  # noqa: S608  # constants
_BY_RANK = f"""with {_SPANS}, hits as (select {_HIT} {_HITS}),
places as (select *, row_number() over (order by fit desc, pos desc) as place from hits)
select * from places {_PART}"""  # noqa: S608  # constants
_COUNT = f"with {_SPANS} select count(*) from (select 1 {_HITS} limit ?11)"  # noqa: S608  # constants
