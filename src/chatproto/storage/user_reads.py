"""What is asked of users, and of rooms as users meet them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from chatproto.decisions import Row
from chatproto.ids import RoomId, UserId
from chatproto.ports import (
    MembershipRow,
)
from chatproto.storage import rows
from chatproto.storage.apply import search_text
from chatproto.storage.reads import Reads

_JOINED = "select count(*) from memberships where room_id=? and membership='join'"


_UPLOADED = """select coalesce(sum(size), 0),
    coalesce(sum(size) filter (where created_ts > ?), 0)
    from media where user_id=?"""

# No name is longer, and SQLite refuses to look for what is much longer.
MAX_TERM = 1_000  # characters


class UserReads(Reads):
    """Memberships, the directories of users and rooms."""

    async def membership(
        self, room_id: RoomId, user_id: UserId
    ) -> MembershipRow | None:
        row = self._one(
            f"select {rows.MEMBERSHIP} from memberships where user_id=? and room_id=?",  # noqa: S608  # a constant
            user_id,
            room_id,
        )
        return None if row is None else rows.membership_row(row)

    async def memberships(self, user_id: UserId) -> Sequence[MembershipRow]:
        found = self._all(
            f"select {rows.MEMBERSHIP} from memberships where user_id=?",  # noqa: S608  # a constant
            user_id,
        )
        return [rows.membership_row(row) for row in found]

    async def local_members(self, room_id: RoomId) -> Sequence[UserId]:
        sql = "select user_id from memberships where room_id=? and membership='join'"
        return [UserId(user) for (user,) in self._all(sql, room_id)]

    async def shared_users(self, user_id: UserId) -> Sequence[UserId]:
        return [UserId(user) for (user,) in self._all(_SHARED, user_id)]

    async def media_bytes(self, user_id: UserId, since: int) -> tuple[int, int]:
        found = self._one(_UPLOADED, since, user_id)
        assert found is not None  # sums have a row, always
        return found[0], found[1]

    async def search_users(
        self,
        user_id: UserId,
        term: str,
        limit: int,
    ) -> Sequence[Row]:
        term = term.strip()
        if term.startswith("@"):  # a user ID, or the beginning of one
            term = term[1:].partition(":")[0]
        words = search_text(term)
        if not words or len(words) > MAX_TERM:
            return []
        values = (f"%{words}%", user_id, limit)

        def read(connection: sqlite3.Connection) -> list[Row]:
            names = ("user_id", "display_name", "avatar_url")
            found = connection.execute(_SEARCH_USERS, values)
            return [dict(zip(names, row, strict=True)) for row in found]

        return await self._in_thread(read)

    async def statuses(self) -> Sequence[Row]:
        names = ("user_id", "status_msg", "status_expires_ts")
        return [dict(zip(names, row, strict=True)) for row in self._all(_STATUSES)]

    async def public_rooms(
        self,
        *,
        term: str | None,
        offset: int,
        limit: int,
    ) -> tuple[Sequence[RoomId], int]:
        found = await self._in_thread(lambda c: c.execute(_PUBLIC_ROOMS).fetchall())
        folded = (term or "").casefold()
        matching = [
            RoomId(room_id)
            for room_id, _, *texts in found
            if not folded or any(folded in (t or "").casefold() for t in texts)
        ]
        return matching[offset : offset + limit], len(matching)

    async def joined_count(self, room_id: RoomId) -> int:
        return self._number(_JOINED, room_id)


_SHARED = """select distinct other.user_id from memberships mine
join memberships other using (room_id)
where mine.user_id=?1 and mine.membership='join' and other.membership='join'
and other.user_id<>?1"""
_SEARCH_USERS = """select user_id, display_name, avatar_url from users
where is_deactivated=0 and user_id<>?2 and (search like ?1
  or ' ' || replace(replace(replace(localpart, '.', ' '), '-', ' '), '_', ' ') like ?1)
order by display_name, user_id limit ?3"""
_STATUSES = """select user_id, status_msg, status_expires_ts from users
where status_msg is not null and is_deactivated=0"""
_PUBLIC_ROOMS = """select r.room_id,
  (select count(*) from memberships m
   where m.room_id=r.room_id and m.membership='join') as members,
  (select json_extract(e.json, '$.content.name') from state s join events e on e.pos=s.pos
   where s.room_id=r.room_id and s.type='m.room.name' and s.state_key=''),
  (select json_extract(e.json, '$.content.topic') from state s join events e on e.pos=s.pos
   where s.room_id=r.room_id and s.type='m.room.topic' and s.state_key=''),
  (select group_concat(alias, ' ') from aliases a where a.room_id=r.room_id)
from rooms r where r.is_public order by members desc, r.room_id"""
