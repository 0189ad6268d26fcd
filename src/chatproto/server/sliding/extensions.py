"""The extensions of sliding sync: what is new beside the rooms' events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from chatproto.canonical import JsonObject, dumps
from chatproto.errors import MatrixError
from chatproto.ids import RoomId
from chatproto.operations.sliding_sync import (
    Extensions,
    KeysWanted,
    RoomsWanted,
    ToDeviceWanted,
)
from chatproto.ports import AccountDataRow, ReceiptRow, Store, ToDeviceRow
from chatproto.server.joined import receipt_contents
from chatproto.server.presence import Ephemeral
from chatproto.server.push_rules import PUSH_RULES, content_of
from chatproto.server.sliding.connection import KnownRoom, Marks, Step
from chatproto.server.sliding.timelines import Reader
from chatproto.server.sliding.windows import Seen
from chatproto.server.streams import TO_DEVICE_LIMIT
from chatproto.server.unread import UnreadCounts


@define
class Extended:
    """The extensions of an answer, and up to where they then have been sent."""

    json: JsonObject = field(factory=dict)
    marks: dict[str, Any] = field(factory=dict)
    has_news: bool = False


@frozen
class _View:
    """What all extensions of one answer look at."""

    reader: Reader
    seen: Seen
    known: Mapping[RoomId, KnownRoom]
    marks: Marks
    pos: int  # of the step that the client is at
    eph: int

    def relevant(self, wanted: RoomsWanted) -> frozenset[RoomId]:
        """The rooms that an extension is wanted of; none if it is not wanted."""
        if not wanted.enabled:
            return frozenset()
        found: set[RoomId] = set()
        for name, rooms in self.seen.windows.items():
            if name in wanted.lists or "*" in wanted.lists:
                found.update(rooms)
        if "*" in wanted.rooms:
            found.update(self.seen.subscribed)
        found.update(RoomId(r) for r in wanted.rooms if r in self.seen.rooms)
        return frozenset(found)

    def joined(self, rooms: Iterable[RoomId]) -> frozenset[RoomId]:
        return frozenset(
            r for r in rooms if r in self.known and self.known[r].membership == "join"
        )


@define(eq=False)
class SlidingExtensions:
    """Reads them from the store (docs/protocol/sliding-sync.md, Extensions)."""

    store: Store
    ephemeral: Ephemeral
    unread: UnreadCounts

    async def read(
        self,
        reader: Reader,
        asked: Extensions,
        seen: Seen,
        known: Mapping[RoomId, KnownRoom],
        base: Step | None,
        *,
        lost: int | None,
    ) -> Extended:
        """Raises MatrixError M_INVALID_PARAM."""
        view = _View(
            reader,
            seen,
            known,
            base.marks if base else Marks(devices=lost),
            base.at.pos if base else 0,
            base.at.eph if base else 0,
        )
        extended = Extended()
        if asked.to_device.enabled:
            await self._to_device(view, asked.to_device, extended)
        await self._keys(view, asked.e2ee, extended)
        await self._account_data(view, asked.account_data, extended)
        await self._receipts(view, asked.receipts, extended)
        self._typing(view, asked.typing, extended)
        return extended

    async def _to_device(
        self, view: _View, asked: ToDeviceWanted, extended: Extended
    ) -> None:
        reader, until = view.reader, view.reader.until.pos
        after = _parsed(asked.since)
        if after > until:  # of another database: everything is new then
            after = 0
        limit = max(1, min(asked.limit, TO_DEVICE_LIMIT))
        rows: Sequence[ToDeviceRow] = []
        if reader.device_id is not None:
            if after:
                self.store.confirm_to_device(reader.user_id, reader.device_id, after)
            rows = await self.store.to_device(
                reader.user_id, reader.device_id, after=after, until=until, limit=limit
            )
        through = rows[-1].pos if len(rows) == limit else until
        extended.json["to_device"] = {
            "next_batch": str(through),
            "events": [
                {"sender": r.sender, "type": r.type, "content": r.content} for r in rows
            ],
        }
        extended.has_news |= bool(rows)

    async def _keys(self, view: _View, asked: KeysWanted, extended: Extended) -> None:
        if not asked.enabled:
            extended.marks["devices"] = view.marks.devices
            return
        reader, until = view.reader, view.reader.until.pos
        extended.marks["devices"] = until
        counts: JsonObject = {"signed_curve25519": 0}
        unused: tuple[str, ...] = ()
        if reader.device_id is not None:
            left = await self.store.key_counts(reader.user_id, reader.device_id)
            counts |= left.one_time
            unused = left.unused_fallback
        json: JsonObject = {
            "device_one_time_keys_count": counts,
            "device_unused_fallback_key_types": list(unused),
        }
        extended.marks["keys"] = digest = hash(dumps(json))
        extended.has_news |= view.marks.keys not in (None, digest)
        if view.marks.devices is not None:
            changes = await self.store.device_changes(
                reader.user_id, after=view.marks.devices, until=until
            )
            if changes.changed or changes.left:
                json["device_lists"] = {
                    "changed": sorted(changes.changed),
                    "left": sorted(changes.left),
                }
                extended.has_news = True
        extended.json["e2ee"] = json

    async def _account_data(
        self, view: _View, asked: RoomsWanted, extended: Extended
    ) -> None:
        reader, marks = view.reader, view.marks
        followed, rooms = marks.room_data, view.relevant(asked)
        extended.marks["room_data"] = followed.moved(rooms, view.pos)
        extended.marks["data"] = reader.until.pos if asked.enabled else marks.data
        if not asked.enabled:
            return
        after = {room_id: followed.after(room_id, view.pos) for room_id in rooms}
        rows = await self.store.account_data(
            reader.user_id,
            after=min([marks.data, *after.values()]),
            until=reader.until.pos,
        )
        shared = await self._shared(reader, rows, marks.data)
        of_rooms: dict[str, list[JsonObject]] = defaultdict(list)
        for row in rows:
            if row.room_id is not None and row.pos > after.get(row.room_id, row.pos):
                of_rooms[row.room_id].append(_datum(row))
        if shared or of_rooms:
            extended.json["account_data"] = {"global": shared, "rooms": dict(of_rooms)}
            extended.has_news = True

    async def _shared(
        self, reader: Reader, rows: Sequence[AccountDataRow], after: int
    ) -> list[JsonObject]:
        """What is of no room, with the push rules as they are in force."""
        found = [row for row in rows if row.room_id is None and row.pos > after]
        shared = [_datum(row) for row in found if row.type != PUSH_RULES]
        if after == 0 or len(shared) < len(found):
            rules = await self.unread.rules(reader.user_id)
            shared.append({"type": PUSH_RULES, "content": content_of(rules)})
        return shared

    async def _receipts(
        self, view: _View, asked: RoomsWanted, extended: Extended
    ) -> None:
        followed = view.marks.receipts
        rooms = view.joined(view.relevant(asked))
        extended.marks["receipts"] = followed.moved(rooms, view.pos)
        after = {room_id: followed.after(room_id, view.pos) for room_id in rooms}
        new = [room_id for room_id, pos in after.items() if pos == 0]
        old = [room_id for room_id, pos in after.items() if pos > 0]
        until = view.reader.until.pos
        rows: list[ReceiptRow] = []
        if new:
            found = await self.store.receipts(new, after=0, until=until)
            rows += [row for row in found if _is_shown(row, view)]
        if old:
            least = min(after[room_id] for room_id in old)
            found = await self.store.receipts(old, after=least, until=until)
            rows += [row for row in found if row.pos > after[row.room_id]]
        by_room: dict[str, list[ReceiptRow]] = defaultdict(list)
        for row in rows:
            is_own = row.user_id == view.reader.user_id
            if row.type == "m.read" or (row.type == "m.read.private" and is_own):
                by_room[row.room_id].append(row)
        if by_room:
            extended.json["receipts"] = {
                "rooms": {room: _receipt(found) for room, found in by_room.items()}
            }
            extended.has_news = True

    def _typing(self, view: _View, asked: RoomsWanted, extended: Extended) -> None:
        followed = view.marks.typing
        rooms = view.joined(view.relevant(asked))
        extended.marks["typing"] = followed.moved(rooms, view.eph)
        found: dict[str, JsonObject] = {}
        for room_id in rooms:
            users = self.ephemeral.typing(room_id)
            is_known = room_id in followed.live or room_id in followed.behind
            after = followed.after(room_id, view.eph)
            if users if not is_known else self.ephemeral.typing_since(room_id, after):
                found[room_id] = {"type": "m.typing", "content": {"user_ids": users}}
        if found:
            extended.json["typing"] = {"rooms": found}
            extended.has_news = True


def _datum(row: AccountDataRow) -> JsonObject:
    return {"type": row.type, "content": row.content}


def _is_shown(row: ReceiptRow, view: _View) -> bool:
    """In a room that is new to the device, receipts of what it has are news, and its
    own.
    """
    known = view.known[row.room_id]
    return row.user_id == view.reader.user_id or row.seq >= known.first


def _receipt(rows: list[ReceiptRow]) -> JsonObject:
    """One event has room for one receipt by event, type and user: for that of the whole
    room rather than of a thread.
    """
    content: JsonObject = {}
    rows.sort(key=lambda row: (row.thread_id != "", row.pos))
    for part in receipt_contents(rows):
        for event_id, kinds in part.items():
            into = content.setdefault(event_id, {})
            for kind, users in kinds.items():
                into[kind] = {**users, **into.get(kind, {})}
    return {"type": "m.receipt", "content": content}


def _parsed(since: str | None) -> int:
    if since is None:
        return 0
    if since.isascii() and since.isdigit() and len(since) <= 16:
        return int(since)
    raise MatrixError("M_INVALID_PARAM", "to_device.since is not one of its next_batch")
