"""Telling an application service what happens: one transaction after another.

A transaction is stored with its content before it is sent, and forgotten once it has
been taken: whatever ends in between, it is sent again under the same ID and with the
same content. Whoever sends to a room does not wait for any of this.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx2
import trio
from attrs import define, field, frozen

from chatproto.canonical import JsonObject, dumps
from chatproto.decisions import Decision, Find, Put, SeenEvent, Update
from chatproto.errors import MatrixError
from chatproto.ids import RoomId
from chatproto.ports import EventHead, Store, Transaction
from chatproto.server.appservices.overheard import Ears
from chatproto.server.appservices.services import Claims
from chatproto.server.appservices.watching import Watch
from chatproto.server.client_format import Formats

MAX_EVENTS = 100
MAX_EPHEMERAL = 200
MAX_BYTES = 1024 * 1024  # of events; one alone is always sent
TIMEOUT_S = 60.0
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0
# News within so long share a transaction, and one look at what has been stored.
BETWEEN_S = 0.05
_LOOKED_AT_ONCE = 500
# So far a service without news falls behind before its position is stored.
_NOTED_EVERY = 5_000

_FAILURES = (MatrixError, OSError, trio.TooSlowError, httpx2.HTTPError)

_Commit: TypeAlias = Callable[[Decision], Awaitable[Any]]

_log = logging.getLogger(__name__)


@frozen
class _Batch:
    """What goes into a transaction, and up to which position nothing is left out."""

    body: str | None
    pos: int


@define(eq=False)
class Pushing:
    """Tells one service. `committed` says up to where there are events."""

    claims: Claims
    store: Store
    formats: Formats
    commit: _Commit
    committed: Callable[[], int]
    now_ms: Callable[[], int]
    client: httpx2.AsyncClient
    _pos: int = 0
    _noted: int = 0
    _txn: int = 0
    _pending: str | None = None
    _wait_s: float = FIRST_WAIT_S
    _news: trio.Event = field(factory=trio.Event)
    _again: trio.Event = field(factory=trio.Event)
    ears: Ears | None = field(init=False)
    _watch: Watch = field(init=False)

    def __attrs_post_init__(self) -> None:
        wants = self.claims.registration.receive_ephemeral
        self.ears = Ears(self.wake) if wants else None
        self._watch = Watch(self.claims, self.store)

    def wake(self) -> None:
        """There may be something to tell."""
        self._news.set()

    def try_again(self) -> None:
        """Wait no longer: the service has shown that it is there."""
        self._again.set()

    async def run(self) -> None:
        """Tell for ever; what goes wrong is tried again, later and later."""
        await self._restore()
        while True:
            self._news = trio.Event()
            try:
                while await self._tell_next():
                    pass
            except _FAILURES as error:
                await self._back_off(error)
                continue
            except Exception as error:  # noqa: BLE001  # it must not end the server
                _log.exception("telling an application service failed")
                await self._back_off(error)
                continue
            await self._news.wait()
            await trio.sleep(BETWEEN_S)

    # where it stands

    async def _restore(self) -> None:
        name = self.claims.registration.id
        rows = await self.store.find(Find(table="appservices", where={"id": name}))
        if rows:
            self._pos, self._txn = rows[0]["pos"], rows[0]["txn"]
            self._pending = rows[0]["pending"]
        else:
            # It hears of what happens from now on. IDs begin with the time, so that
            # they are new to it even if this server's data are not the first.
            self._pos, self._txn = self.committed(), self.now_ms()
            row = {"id": name, "pos": self._pos, "txn": self._txn, "pending": None}
            await self.commit(Decision(writes=(Put(table="appservices", row=row),)))
        self._noted = self._pos

    def _update(self) -> Update:
        row = {"pos": self._pos, "txn": self._txn, "pending": self._pending}
        where = {"id": self.claims.registration.id}
        self._noted = self._pos
        return Update(table="appservices", where=where, set=row)

    # one transaction

    async def _tell_next(self) -> bool:
        """Send what is next; whether there may be more."""
        if self._pending is None:
            batch = await self._next_batch()
            if batch.body is None:
                return self._pass_over(batch.pos)
            await self._begin(batch.body, batch.pos)
        assert self._pending is not None
        await self._send(self._txn, self._pending.encode())
        self._pending = None
        self._wait_s = FIRST_WAIT_S
        self._submit()
        return True

    async def _begin(self, body: str, pos: int) -> None:
        """Make a transaction durable; if that fails, it has never been."""
        before = self._pos, self._txn, self._pending
        self._pos, self._txn, self._pending = pos, self._txn + 1, body
        try:
            await self.commit(Decision(writes=(self._update(),)))
        except BaseException:
            self._pos, self._txn, self._pending = before
            raise

    def _pass_over(self, pos: int) -> bool:
        self._pos = pos
        if pos - self._noted >= _NOTED_EVERY:
            self._submit()
        has_heard = self.ears is not None and not self.ears.is_empty
        return pos < self.committed() or has_heard

    def _submit(self) -> None:
        self.store.submit(Transaction(writes=[self._update()]))

    async def _send(self, txn: int, body: bytes) -> None:
        registration = self.claims.registration
        url = f"{registration.url}/_matrix/app/v1/transactions/{quote(str(txn))}"
        headers = {
            "Authorization": f"Bearer {registration.hs_token}",
            "Content-Type": "application/json",
        }
        with trio.fail_after(TIMEOUT_S):
            answer = await self.client.put(url, content=body, headers=headers)
        if not answer.is_success:
            raise OSError(f"it answered with status {answer.status_code}")

    async def _back_off(self, error: Exception) -> None:
        name, wait_s = self.claims.registration.id, self._wait_s
        _log.warning("%s is not told anything for %.0f s: %s", name, wait_s, error)
        self._wait_s = min(LONGEST_WAIT_S, wait_s * 2)
        self._again = trio.Event()
        with trio.move_on_after(wait_s):
            await self._again.wait()

    # what goes into it

    async def _next_batch(self) -> _Batch:
        heads, pos = await self._next_heads()
        events: list[JsonObject] = []
        size = 0
        for event in await self._load(heads):
            json = await self.formats.client_event(event)
            size += len(dumps(json))
            if events and size > MAX_BYTES:
                pos = event.pos - 1
                break
            events.append(json)
        body: JsonObject = {"events": events}
        ephemeral = await self._ephemeral()
        if ephemeral:
            body[self.claims.registration.ephemeral_name] = ephemeral
        some = bool(events or ephemeral)
        return _Batch(dumps(body).decode() if some else None, pos)

    async def _next_heads(self) -> tuple[list[EventHead], int]:
        """Events of interest, and up to where there are no others."""
        pos, until = self._pos, self.committed()
        picked: list[EventHead] = []
        while pos < until and len(picked) < MAX_EVENTS:
            heads = await self.store.event_heads(
                after=pos, until=until, limit=_LOOKED_AT_ONCE
            )
            picked += await self._watch.pick(heads)
            pos = heads[-1].pos if len(heads) == _LOOKED_AT_ONCE else until
            await trio.lowlevel.checkpoint()
        if len(picked) > MAX_EVENTS:
            picked = picked[:MAX_EVENTS]
            pos = picked[-1].pos
        return picked, pos

    async def _load(self, heads: Sequence[EventHead]) -> list[SeenEvent]:
        seqs: dict[RoomId, list[int]] = {}
        for head in heads:
            seqs.setdefault(head.room_id, []).append(head.seq)
        found: list[SeenEvent] = []
        for room_id, places in seqs.items():
            found += await self.store.events_at(room_id, places)
        return sorted(found, key=lambda event: event.pos)

    async def _ephemeral(self) -> list[JsonObject]:
        if self.ears is None:
            return []
        taken = self.ears.take(MAX_EPHEMERAL)
        return [one.event for one in await self._watch.hears(taken)]
