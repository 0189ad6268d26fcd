"""What is asked for the stream of a device."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import orjson

from chatproto.canonical import JsonObject
from chatproto.ids import DeviceId, EventId, RoomId, UserId
from chatproto.ports import (
    AccountDataRow,
    ReceiptRow,
    ToDeviceRow,
    Unread,
    UnreadEvent,
)
from chatproto.storage import rows
from chatproto.storage.reads import Reads


class StreamReads(Reads):
    """What is new for a user or device, and how much is unread."""

    async def rooms_changed(
        self,
        user_id: UserId,
        after: int,
        until: int,
    ) -> Sequence[RoomId]:
        found = self._all(_ROOMS_CHANGED, user_id, after)
        return [
            RoomId(room_id)
            for room_id, last_pos in found
            if last_pos <= until or self._number(_POS_AT, room_id, until) > after
        ]

    async def receipts(
        self,
        room_ids: Sequence[RoomId],
        *,
        after: int,
        until: int,
    ) -> Sequence[ReceiptRow]:
        if after:
            sql = f"select {rows.RECEIPT} from receipts where pos>? and pos<=?"  # noqa: S608  # a constant
            wanted = set(room_ids)
            found = (rows.receipt_row(row) for row in self._all(sql, after, until))
            return [row for row in found if row.room_id in wanted]
        sql = f"select {rows.RECEIPT} from receipts where room_id=? and pos<=?"  # noqa: S608  # a constant
        return [
            rows.receipt_row(row)
            for room_id in room_ids
            for row in self._all(sql, room_id, until)
        ]

    async def receipts_of(
        self, room_id: RoomId, user_id: UserId
    ) -> Sequence[ReceiptRow]:
        sql = f"select {rows.RECEIPT} from receipts where room_id=? and user_id=?"  # noqa: S608  # a constant
        return [rows.receipt_row(row) for row in self._all(sql, room_id, user_id)]

    async def account_data(
        self,
        user_id: UserId,
        *,
        after: int,
        until: int,
    ) -> Sequence[AccountDataRow]:
        found = self._all(
            """select pos, room_id, type, content from account_data
            where user_id=? and pos>? and pos<=? order by pos""",
            user_id,
            after,
            until,
        )
        return [
            AccountDataRow(
                pos=pos,
                room_id=RoomId(room_id) if room_id else None,
                type=kind,
                content=orjson.loads(content),
            )
            for pos, room_id, kind, content in found
        ]

    async def account_datum(
        self,
        user_id: UserId,
        room_id: RoomId | None,
        event_type: str,
    ) -> JsonObject | None:
        row = self._one(
            "select content from account_data where user_id=? and room_id=? and type=?",
            user_id,
            room_id or "",
            event_type,
        )
        return None if row is None else orjson.loads(row[0])

    async def to_device(
        self,
        user_id: UserId,
        device_id: DeviceId,
        *,
        after: int,
        until: int,
        limit: int,
    ) -> Sequence[ToDeviceRow]:
        found = self._all(
            """select pos, sender, type, content from to_device
            where user_id=? and device_id=? and pos>? and pos<=? order by pos limit ?""",
            user_id,
            device_id,
            after,
            until,
            limit,
        )
        return [
            ToDeviceRow(
                pos=pos, sender=sender, type=kind, content=orjson.loads(content)
            )
            for pos, sender, kind, content in found
        ]

    async def unread(
        self,
        room_id: RoomId,
        user_id: UserId,
        *,
        through: int,
        read_seq: int = 0,
        by_thread: bool = False,
    ) -> Unread:
        read = max(read_seq, self._number(_READ_SEQ, room_id, user_id))
        sql = _UNREAD_MAIN if by_thread else _UNREAD
        row = self._one(sql, room_id, read, through, user_id) or (0, 0)
        notifications, highlights = row
        threads: dict[EventId, tuple[int, int]] = {}
        if by_thread:
            whole = self._number(_WHOLE_READ_SEQ, room_id, user_id)
            found = self._all(_UNREAD_THREADS, room_id, whole, through, user_id)
            threads = {root: (count, loud or 0) for root, count, loud in found}
        return Unread(
            threads=threads,
            read_seq=read,
            through=through,
            notification_count=notifications,
            highlight_count=highlights or 0,
            is_muted=bool(self._number(_MUTED, user_id, room_id)),
        )

    async def unread_events(
        self,
        room_id: RoomId,
        user_id: UserId,
        *,
        after: int,
        through: int,
        types: Collection[str],
        limit: int,
    ) -> Sequence[UnreadEvent]:
        kinds = orjson.dumps(sorted(types)).decode()
        values = (room_id, after, through, user_id, kinds, limit)
        found = await self._in_thread(
            lambda connection: connection.execute(_UNREAD_EVENTS, values).fetchall()
        )
        return [
            UnreadEvent(seq=seq, thread=thread, json=orjson.loads(json))
            for seq, thread, json in found
        ]


_POS_AT = """select pos from events where room_id=? and pos<=?
order by seq desc limit 1"""
_ROOMS_CHANGED = """select r.room_id, r.last_pos from memberships m join rooms r
using (room_id) where m.user_id=? and m.membership='join' and r.last_pos>?"""
_READ_SEQ = """select max(seq) from (
  select seq from receipts where room_id=?1 and user_id=?2
    and type in ('m.read', 'm.read.private') and thread_id in ('', 'main')
  union all
  select max(sent_seq, changed_seq) from memberships where room_id=?1 and user_id=?2)"""
_MUTED = """select 1 from account_data where user_id=? and room_id=?
and type='org.chatproto.muted' and json_type(content, '$.muted')='true'"""
_COUNTED = """count(*), sum(e.mentions_room or exists (
    select 1 from mentions m
    where m.room_id=e.room_id and m.user_id=?4 and m.seq=e.seq))"""
_AMONG = """e.room_id=?1 and e.seq>?2 and e.seq<=?3
and e.sender<>?4 and (e.redacted_by is null or exists (
    select 1 from events r where r.event_id=e.redacted_by and r.seq>?3))"""
_UNREAD = f"select {_COUNTED} from events e where {_AMONG} and e.counts"  # noqa: S608
_UNREAD_MAIN = f"{_UNREAD} and e.rel_type is not 'm.thread'"
_WHOLE_READ_SEQ = _READ_SEQ.replace("thread_id in ('', 'main')", "thread_id=''")
_UNREAD_THREADS = f"""select e.relates_to, {_COUNTED} from events e
where {_AMONG} and e.counts and e.rel_type='m.thread'
and e.seq > coalesce((select max(r.seq) from receipts r
    where r.room_id=?1 and r.user_id=?4 and r.thread_id=e.relates_to
    and r.type in ('m.read', 'm.read.private')), 0)
group by e.relates_to"""  # noqa: S608  # of constants
_UNREAD_EVENTS = f"""select e.seq, iif(e.rel_type='m.thread', e.relates_to, null), e.json
from events e where {_AMONG} and e.state_key is null and e.rel_type is not 'm.replace'
and e.type in (select value from json_each(?5)) order by e.seq desc limit ?6"""  # noqa: S608
