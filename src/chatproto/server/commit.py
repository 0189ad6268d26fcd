"""From a decision to one transaction: events get their place, writes their position."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve, field, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import (
    Append,
    ChangeDeviceList,
    Decision,
    Delete,
    Effect,
    Put,
    PutAccountData,
    PutReceipt,
    QueueToDevice,
    ReplyFrom,
    SeenEvent,
    Update,
    View,
    Write,
)
from chatproto.errors import MatrixError
from chatproto.events.envelope import Pdu
from chatproto.events.redaction import redact
from chatproto.events.registry import Registry
from chatproto.events.relations import mentions_of, relation_of
from chatproto.ids import DeviceId, RoomId, ServerName, UserId, server_name
from chatproto.module import Rule
from chatproto.ports import (
    StoreAccountData,
    StoreDeviceList,
    StoreEvent,
    StoreMembership,
    StoreReceipt,
    StoreRedaction,
    StoreRoom,
    StoreToDevice,
    StoreWrite,
    Transaction,
)
from chatproto.rooms.power_levels import PowerLevels
from chatproto.rooms.rule import Denied
from chatproto.rooms.state import RoomState
from chatproto.rooms.timeline import Timeline
from chatproto.server.guests import require_let_in
from chatproto.server.rooms import LiveRoom, RoomCache
from chatproto.signing import SigningKey


@frozen
class Appended:
    """An event of a transaction, with what its delivery needs to know."""

    event: SeenEvent
    was: str | None = None  # a member event: the user's membership before it
    redacts: JsonObject | None = None


@define(eq=False)
class Work:
    """One decision on its way to the disk, and what follows once it is there."""

    complete: Callable[[Any, BaseException | None], None]
    reply: Any = None
    appended: list[Appended] = field(factory=list)
    receipts: list[tuple[int, PutReceipt]] = field(factory=list)
    account_data: list[tuple[int, PutAccountData]] = field(factory=list)
    to_device: list[tuple[int, QueueToDevice]] = field(factory=list)
    device_lists: list[ChangeDeviceList] = field(factory=list)
    effects: tuple[Effect, ...] = ()
    rooms: list[LiveRoom] = field(factory=list)
    pos: int = 0
    txn_id: str | None = None  # of the call, if it may be repeated


@define(eq=False)
class Committer:
    """Numbers what is to be stored. `pos` is the last position given out."""

    server: ServerName
    key: SigningKey
    registry: Registry
    cache: RoomCache
    rules: Mapping[str, Rule]
    pos: int = 0

    def plan(self, view: View, decision: Decision, work: Work) -> Transaction:
        """Build the transaction of a decision.

        Rooms in memory move on only if every event passes. Raises MatrixError.
        """
        start = self.pos
        writes: list[StoreWrite] = []
        timelines: dict[RoomId, Timeline] = {}
        try:
            for append in decision.append:
                self._append(view, append, timelines, writes, work)
            for write in decision.writes:
                writes.append(self._write(write, work))
        except BaseException:
            self.pos = start
            raise
        self._move_on(timelines, work)
        work.effects = decision.effects
        work.reply = _reply(decision, work)
        work.pos = self.pos
        return Transaction(writes=writes, context=work)

    def _append(
        self,
        view: View,
        append: Append,
        timelines: dict[RoomId, Timeline],
        writes: list[StoreWrite],
        work: Work,
    ) -> None:
        timeline = timelines.get(append.room_id)
        if timeline is None:
            timeline = self._start(view, append, writes)
        for draft in append.drafts:
            before = timeline.state
            require_let_in(view.caller, draft, before)
            try:
                timeline, pdu = timeline.append(
                    draft,
                    server=self.server,
                    key=self.key,
                    now_ms=view.caller.sent_ts or view.now_ms,
                )
            except Denied as denied:
                if append.create is None:
                    raise
                raise MatrixError("M_INVALID_ROOM_STATE", denied.error) from None
            rule = self.rules.get(pdu.type)
            if rule is not None:
                rule(pdu, before)
            self.pos += 1
            sent_by = (view.caller.device_id, work.txn_id)
            stored = self._stored(pdu, timeline.seq, before, timeline, sent_by)
            writes.append(stored)
            seen = SeenEvent(
                pdu=pdu,
                seq=stored.seq,
                pos=stored.pos,
                counts=stored.counts,
            )
            was = before.membership(UserId(pdu.state_key or ""))
            redacts = self._redaction(view, pdu, timeline, writes)
            if redacts is not None and pdu.redacts is not None:
                timeline = _without_content(timeline, view.events[pdu.redacts].pdu)
            is_member = pdu.type == "m.room.member"
            work.appended.append(Appended(seen, was if is_member else None, redacts))
            if is_member:
                self._membership(pdu, stored, before, writes)
        timelines[append.room_id] = timeline

    def _start(
        self,
        view: View,
        append: Append,
        writes: list[StoreWrite],
    ) -> Timeline:
        if append.create is None:
            live = self.cache.cached(append.room_id)
            return live.timeline if live else view.room(append.room_id)
        creator = append.drafts[0].sender
        version = append.create
        writes.append(
            StoreRoom(room_id=append.room_id, version=version.id, creator=creator),
        )
        return Timeline.new(append.room_id, version)

    def _stored(
        self,
        pdu: Pdu,
        seq: int,
        before: RoomState,
        timeline: Timeline,
        sent_by: tuple[DeviceId | None, str | None],
    ) -> StoreEvent:
        message = pdu.state_key is None
        bumps = message and self.registry.bumps(pdu.type, pdu.content)
        counts = bumps and self.registry.counts(pdu.type, pdu.content)
        relation = relation_of(pdu.content) if message else None
        users: tuple[UserId, ...] = ()
        room = False
        if counts and "m.mentions" in pdu.content:
            users, room = mentions_of(pdu.content)
            levels = PowerLevels.of(before, timeline.version)
            room = room and levels.user(pdu.sender) >= levels.notification("room")
        return StoreEvent(
            pdu=pdu,
            seq=seq,
            pos=self.pos,
            bumps=bumps,
            counts=counts,
            mentions=users,
            mentions_room=room,
            relates_to=relation.event_id if relation else None,
            rel_type=relation.rel_type if relation else None,
            device_id=sent_by[0] if sent_by[1] is not None else None,
            txn_id=sent_by[1],
        )

    def _membership(
        self,
        pdu: Pdu,
        stored: StoreEvent,
        before: RoomState,
        writes: list[StoreWrite],
    ) -> None:
        user_id = UserId(pdu.state_key or "")
        if server_name(user_id) != self.server:
            return
        membership = str(pdu.content.get("membership"))
        known = before.get("m.room.member", user_id)
        was = None if known is None else known.content.get("membership")
        writes.append(
            StoreMembership(
                room_id=pdu.room_id,
                user_id=user_id,
                membership=membership,
                seq=stored.seq,
                pos=stored.pos,
                changed=was != membership,
            ),
        )

    def _redaction(
        self,
        view: View,
        pdu: Pdu,
        timeline: Timeline,
        writes: list[StoreWrite],
    ) -> JsonObject | None:
        target = pdu.redacts if pdu.type == "m.room.redaction" else None
        seen = view.events.get(target) if target is not None else None
        if seen is None or seen.pdu.room_id != pdu.room_id:
            return None
        writes.append(
            StoreRedaction(
                room_id=pdu.room_id,
                event_id=seen.pdu.event_id,
                redacted_by=pdu.event_id,
                json=redact(seen.pdu.json, timeline.version.redaction),
            ),
        )
        counts = seen.counts and seen.redacted_by is None
        redacts: JsonObject = {"seq": seen.seq, "counts": counts}
        if counts and "m.mentions" in seen.pdu.content:
            users, _ = mentions_of(seen.pdu.content)
            redacts["mentions"] = {"user_ids": users, "room": seen.mentions_room}
        return redacts

    def _write(self, write: Write, work: Work) -> StoreWrite:
        match write:
            case Put() | Update() | Delete():
                return write
            case PutAccountData():
                self.pos += 1
                work.account_data.append((self.pos, write))
                return StoreAccountData(
                    pos=self.pos,
                    user_id=write.user_id,
                    room_id=write.room_id,
                    type=write.type,
                    content=write.content,
                )
            case PutReceipt():
                self.pos += 1
                work.receipts.append((self.pos, write))
                return StoreReceipt(
                    pos=self.pos,
                    room_id=write.room_id,
                    user_id=write.user_id,
                    type=write.type,
                    thread_id=write.thread_id or "",
                    event_id=write.event_id,
                    seq=write.seq,
                    ts=write.ts,
                )
            case ChangeDeviceList():
                self.pos += 1
                work.device_lists.append(write)
                return StoreDeviceList(pos=self.pos, user_id=write.user_id)
            case QueueToDevice():
                self.pos += 1
                work.to_device.append((self.pos, write))
                return StoreToDevice(
                    pos=self.pos,
                    user_id=write.user_id,
                    device_id=write.device_id,
                    sender=write.sender,
                    type=write.type,
                    content=write.content,
                )

    def _move_on(self, timelines: dict[RoomId, Timeline], work: Work) -> None:
        for room_id, timeline in timelines.items():
            live = self.cache.cached(room_id)
            if live is None:
                live = LiveRoom(timeline, committed_seq=0)
                self.cache.put(room_id, live)
            live.timeline = timeline
            live.pending += 1
            work.rooms.append(live)


def _without_content(timeline: Timeline, target: Pdu) -> Timeline:
    """The room as it would be read from the store once an event has been redacted."""
    state = timeline.state
    if target.state_key is None:
        return timeline
    current = state.get(target.type, target.state_key)
    if current is None or current.event_id != target.event_id:
        return timeline
    json = redact(target.json, timeline.version.redaction)
    return evolve(timeline, state=state.apply(Pdu.from_json(json, target.event_id)))


def _reply(decision: Decision, work: Work) -> Any:
    if isinstance(decision.reply, ReplyFrom):
        return decision.reply.make([a.event for a in work.appended])
    return decision.reply
