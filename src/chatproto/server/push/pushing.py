"""Telling one gateway, for one pusher, of what notifies: one event after another.

A pusher has a position. It moves when the gateway has taken what was before it, so what
was not taken is told again after a restart, and nothing is told twice but what the end of
the server fell into. A gateway that does not answer is asked again, later and later;
what is older than a day by then is left out.

| state | event | next |
|---|---|---|
| WAITING | news | LOOKING |
| LOOKING | nothing that notifies | WAITING |
| LOOKING | something that does | TELLING |
| TELLING | 200 | LOOKING |
| TELLING | 200, and the pushkey is among the rejected | GONE |
| TELLING | anything else, or no answer | TELLING, later |
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import httpx2
import trio
from attrs import define, field

from chatproto.canonical import JsonObject, dumps, list_of, loads, object_of
from chatproto.decisions import Decision, Delete, Find, Row, SeenEvent, Update
from chatproto.errors import MatrixError
from chatproto.ids import RoomId, UserId
from chatproto.ports import Clock, Store
from chatproto.server.client_format import Formats
from chatproto.server.push.notification import Told, badge, notification
from chatproto.server.rooms import RoomCache
from chatproto.server.unread import UnreadCounts, seen_by
from chatproto.server.visible import Visible

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 3_600.0
TIMEOUT_S = 30.0
OLDEST_MS = 24 * 60 * 60 * 1000
# A gateway that is behind by more events of a room than this is told of the newest.
MAX_EVENTS = 100
# So far a pusher with nothing to tell falls behind before its position is stored.
NOTED_EVERY = 1_000
# The event is not told at once: its reader may be reading it just now.
BETWEEN_S = 0.05

_FAILURES = (OSError, trio.TooSlowError, httpx2.HTTPError, httpx2.InvalidURL)

_log = logging.getLogger(__name__)


class _Gone(Exception):  # noqa: N818  # an end, not a mistake
    """The pusher is no more."""


@define(eq=False, kw_only=True)
class Around:
    """What all pushers of a server need."""

    store: Store
    cache: RoomCache
    formats: Formats
    visible: Visible
    unread: UnreadCounts
    clock: Clock
    client: httpx2.AsyncClient
    commit: Callable[[Decision], Awaitable[Any]]
    committed: Callable[[], int]


@define(eq=False)
class Pushing:
    """Serves one pusher, named by its user, app and key, while it is stored."""

    around: Around
    key: Row
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    _news: trio.Event = field(factory=trio.Event)
    _wait_s: float = FIRST_WAIT_S
    _pos: int = 0
    _badge: int = 0
    _has_read: bool = False

    @property
    def user_id(self) -> UserId:
        return UserId(self.key["user_id"])

    def wake(self, *, has_read: bool = False) -> None:
        """There may be something to tell; or the user has read something."""
        self._has_read = self._has_read or has_read
        self._news.set()

    async def run(self) -> None:
        """Tell until the pusher is gone."""
        with self.scope:
            while True:
                try:
                    await self._round()
                except _Gone:
                    return
                except MatrixError as error:  # the store is behind
                    _log.info("pushing waits: %s", error.error)
                    await self._back_off()
                except Exception:  # noqa: BLE001  # it must not end the server
                    _log.exception("pushing failed")
                    await self._back_off()

    async def _round(self) -> None:
        self._news = trio.Event()
        pusher = await self._stored()
        self._pos = max(self._pos, pusher["pos"])
        has_read, self._has_read = self._has_read, False
        through = self.around.committed()
        told = await self._tell(pusher, through)
        if has_read and not told:
            await self._tell_badge(pusher)
        self._pos = through
        if told or through - pusher["pos"] > NOTED_EVERY:
            await self._move(through)
        await self._news.wait()
        await trio.sleep(BETWEEN_S)

    async def _stored(self) -> Row:
        rows = await self.around.store.find(Find(table="pushers", where=self.key))
        if not rows:
            raise _Gone
        return rows[0]

    async def _move(self, pos: int) -> None:
        update = Update(table="pushers", where=self.key, set={"pos": pos})
        await self.around.commit(Decision(writes=(update,)))

    # what there is to tell

    async def _tell(self, pusher: Row, through: int) -> bool:
        """Whether there was anything to tell."""
        told = False
        for room_id, events in await self._news_of(self._pos, through):
            async with aclosing(self._notifying(room_id, events)) as found:
                async for each in found:
                    await self._deliver(pusher, notification(pusher, each))
                    self._badge = each.unread
                    told = True
        return told

    async def _news_of(
        self, after: int, through: int
    ) -> list[tuple[RoomId, Sequence[SeenEvent]]]:
        store, user = self.around.store, self.user_id
        found: list[tuple[RoomId, Sequence[SeenEvent]]] = []
        for room_id in await store.rooms_changed(user, after, through):
            events = await store.events(
                room_id,
                after=await store.seq_at(room_id, after),
                before=await store.seq_at(room_id, through) + 1,
                limit=MAX_EVENTS,
                backwards=True,
            )
            found.append((room_id, tuple(reversed(events))))
        for member in await store.memberships(user):
            if member.membership == "invite" and after < member.changed_pos <= through:
                events = await store.events_at(member.room_id, (member.changed_seq,))
                found.append((member.room_id, events))
        return found

    async def _notifying(
        self, room_id: RoomId, events: Sequence[SeenEvent]
    ) -> AsyncGenerator[Told]:
        around, user = self.around, self.user_id
        live = await around.cache.load(room_id)
        if live is None:
            return
        seen = seen_by(user, live.timeline)
        ignored = await around.unread.ignored(user)
        oldest = around.clock.now_ms() - OLDEST_MS
        for event in events:
            is_unheard = event.pdu.sender in (user, *ignored)
            if is_unheard or event.redacted_by or event.pdu.origin_server_ts < oldest:
                continue
            json = await around.formats.client_event(event)
            rule = (await around.unread.rules(user)).match(json, seen)
            if rule is None or not rule.notifies:
                continue
            if await self._is_for_user(room_id, event):
                unread = await self._unread_rooms()
                state = live.timeline.state
                yield Told(event=json, rule=rule, state=state, unread=unread)

    async def _is_for_user(self, room_id: RoomId, event: SeenEvent) -> bool:
        """Whether the user may see it, and has not read it yet."""
        around, user = self.around, self.user_id
        if event.pdu.type == "m.room.member" and event.pdu.state_key == user:
            return True
        members = await around.visible.members(room_id, user)
        ranges = await around.visible.ranges_by(room_id, members, event.seq)
        if not any(low <= event.seq <= high for low, high in ranges):
            return False
        unread = await around.store.unread(room_id, user, through=event.seq)
        return unread.read_seq < event.seq

    async def _unread_rooms(self) -> int:
        """In how many rooms something is unread, which is what apps show."""
        around, user = self.around, self.user_id
        unread = 0
        for member in await around.store.memberships(user):
            if member.membership == "invite":
                unread += 1
            elif member.membership == "join":
                await trio.lowlevel.checkpoint()
                room = await around.store.room(member.room_id)
                through = 0 if room is None else room.seq
                counts = await around.unread.of(member.room_id, user, through=through)
                unread += counts.notification_count > 0 and not counts.is_muted
        return unread

    async def _tell_badge(self, pusher: Row) -> None:
        unread = await self._unread_rooms()
        if unread != self._badge:
            self._badge = unread
            await self._deliver(pusher, badge(pusher, unread))

    # telling

    async def _deliver(self, pusher: Row, body: JsonObject) -> None:
        """Until the gateway has taken it, or the pusher is gone."""
        while True:
            try:
                rejected = await self._post(str(pusher["data"].get("url")), body)
            except _FAILURES as error:
                _log.info("a push gateway failed: %s", error)
                await self._back_off()
                await self._stored()  # it may have been taken away meanwhile
                continue
            self._wait_s = FIRST_WAIT_S
            if pusher["pushkey"] in rejected:
                gone = Delete(table="pushers", where=self.key)
                await self.around.commit(Decision(writes=(gone,)))
                raise _Gone
            return

    async def _post(self, url: str, body: JsonObject) -> Sequence[str]:
        """The pushkeys that the gateway wants to hear of no more."""
        headers = {"Content-Type": "application/json"}
        with trio.fail_after(TIMEOUT_S):
            answer = await self.around.client.post(
                url, content=dumps(body), headers=headers
            )
        answer.raise_for_status()
        try:
            rejected = list_of(object_of(loads(answer.content)).get("rejected"))
        except MatrixError as error:
            raise httpx2.TransportError(f"no answer in JSON: {error.error}") from None
        return [each for each in rejected if isinstance(each, str)]

    async def _back_off(self) -> None:
        wait_s, self._wait_s = self._wait_s, min(self._wait_s * 2, LONGEST_WAIT_S)
        await trio.sleep(wait_s)
