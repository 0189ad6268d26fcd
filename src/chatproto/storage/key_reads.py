"""What is asked about keys for end-to-end encryption."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson

from chatproto.decisions import Row
from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.ports import DeviceChanges, KeyCounts
from chatproto.storage.reads import Reads


class KeyReads(Reads):
    """Counts of keys, changes of device lists, backups."""

    async def key_counts(self, user_id: UserId, device_id: DeviceId) -> KeyCounts:
        return KeyCounts(
            one_time=dict(self._all(_COUNTS, user_id, device_id)),
            unused_fallback=tuple(
                algorithm for (algorithm,) in self._all(_UNUSED, user_id, device_id)
            ),
        )

    async def device_changes(
        self, user_id: UserId, *, after: int, until: int
    ) -> DeviceChanges:
        """Most calls find that nothing has changed at all, by two indexes."""
        with self._snapshot():
            own = self._all(_OWN_MOVES, user_id, after, until)
            met = set(self._all(_CHANGED, user_id, after, until))
            met |= set(self._all(_CAME, user_id, after, until))
            parted = set(self._all(_WENT, user_id, after, until))
            for room_id, membership in own:
                others = set(self._all(_MEMBERS, room_id, user_id))
                if membership == "join":
                    met |= others
                else:
                    parted |= others
            left = {u for (u,) in parted if not self._shares(user_id, u)}
        changed = {UserId(u) for (u,) in met} - left
        return DeviceChanges(changed=frozenset(changed), left=frozenset(left))

    async def backed_up(
        self,
        user_id: UserId,
        version: int,
        sessions: Sequence[tuple[RoomId, str]],
    ) -> Sequence[Row]:
        def read(connection: sqlite3.Connection) -> list[Row]:
            found = (
                connection.execute(_BACKED_UP, (user_id, version, *session)).fetchone()
                for session in sessions
            )
            return [_backed_up(row) for row in found if row is not None]

        return await self._in_thread(read)

    async def backed_up_count(self, user_id: UserId, version: int) -> int:
        return self._number(_BACKED_UP_COUNT, user_id, version)

    def _shares(self, user_id: UserId, other: str) -> bool:
        return self._one(_SHARES, user_id, other) is not None


def _backed_up(row: tuple[object, ...]) -> Row:
    *columns, session_data = row
    names = (
        "room_id",
        "session_id",
        "first_message_index",
        "forwarded_count",
        "is_verified",
    )
    found = dict(zip(names, columns, strict=True))
    return {**found, "session_data": orjson.loads(str(session_data))}


_COUNTS = """select algorithm, count(*) from one_time_keys
where user_id=? and device_id=? group by algorithm"""
_UNUSED = """select algorithm from fallback_keys
where user_id=? and device_id=? and not is_used order by algorithm"""
_OWN_MOVES = """select room_id, membership from memberships indexed by memberships_changed
where user_id=? and changed_pos>? and changed_pos<=?
and membership in ('join', 'leave', 'ban')"""
_SHARES = """select 1 from memberships mine join memberships other using (room_id)
where mine.user_id=? and mine.membership='join'
and other.user_id=? and other.membership='join' limit 1"""
_MEMBERS = """select user_id from memberships
where room_id=? and membership='join' and user_id<>?"""
_CHANGED = """select user_id from device_lists where pos>?2 and pos<=?3
and (user_id=?1 or exists (select 1 from memberships mine
    join memberships other using (room_id)
    where mine.user_id=?1 and mine.membership='join'
    and other.user_id=device_lists.user_id and other.membership='join'))"""
_CAME = """select other.user_id from memberships other indexed by memberships_changed
join memberships mine on mine.user_id=?1 and mine.room_id=other.room_id
where other.changed_pos>?2 and other.changed_pos<=?3 and other.membership='join'
and mine.membership='join' and other.user_id<>?1"""
_WENT = """select other.user_id from memberships other indexed by memberships_changed
join memberships mine on mine.user_id=?1 and mine.room_id=other.room_id
where other.changed_pos>?2 and other.changed_pos<=?3
and other.membership in ('leave', 'ban')
and mine.membership='join' and other.user_id<>?1"""
_BACKED_UP = """select room_id, session_id, first_message_index, forwarded_count,
is_verified, session_data from backed_up_keys
where user_id=? and version=? and room_id=? and session_id=?"""
_BACKED_UP_COUNT = "select count(*) from backed_up_keys where user_id=? and version=?"
