"""Events without signatures, and a store that notes what it has committed."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio

from chatproto.events.envelope import Pdu
from chatproto.ports import StoreEvent, StoreMembership, StoreRoom, Transaction

ROOM = "!room:x"
ANN, BOB = "@ann:x", "@bob:x"


def pdu(room_id, seq, sender, event_type, content, state_key=None):
    json = {
        "auth_events": [],
        "content": content,
        "depth": seq,
        "origin_server_ts": seq,
        "prev_events": [],
        "room_id": room_id,
        "sender": sender,
        "type": event_type,
    }
    if state_key is not None:
        json["state_key"] = state_key
    return Pdu.from_json(json, f"${room_id[1:]}|{seq}")


def message(pos, seq, sender=ANN, room_id=ROOM, body="hello", **more):
    event = pdu(room_id, seq, sender, "m.room.message", {"body": body})
    return StoreEvent(
        **{"pdu": event, "seq": seq, "pos": pos, "bumps": True, "counts": True, **more},
    )


def state(pos, seq, event_type, content, state_key="", room_id=ROOM, sender=ANN):
    event = pdu(room_id, seq, sender, event_type, content, state_key)
    return StoreEvent(pdu=event, seq=seq, pos=pos, bumps=False, counts=False)


def member(pos, seq, user_id, membership="join", room_id=ROOM, *, changed=True):
    """The writes of a member event."""
    content = {"membership": membership}
    return [
        state(pos, seq, "m.room.member", content, user_id, room_id, user_id),
        StoreMembership(
            room_id=room_id,
            user_id=user_id,
            membership=membership,
            seq=seq,
            pos=pos,
            changed=changed,
        ),
    ]


def new_room(room_id=ROOM):
    """A room of Ann and Bob: positions and places 1 and 2."""
    return [
        StoreRoom(room_id=room_id, version="11", creator=ANN),
        *member(1, 1, ANN, room_id=room_id),
        *member(2, 2, BOB, room_id=room_id),
    ]


class Opened:
    """An open store, and what it has reported."""

    def __init__(self, store):
        self.store = store
        self.reports = []
        self._news = trio.Event()

    @property
    def committed(self):
        return [t.context for batch, error in self.reports if not error for t in batch]

    @property
    def failed(self):
        return [t.context for batch, error in self.reports if error for t in batch]

    @property
    def errors(self):
        return [error for _, error in self.reports if error]

    def on_commit(self, batch, error):
        self.reports.append((list(batch), error))
        self._news.set()

    def submit(self, *writes, context=None):
        self.store.submit(Transaction(writes=list(writes), context=context))

    async def reported(self, count=1):
        """Wait until so many transactions have been reported."""
        while sum(len(batch) for batch, _ in self.reports) < count:
            self._news = trio.Event()
            await self._news.wait()

    async def write(self, *writes):
        """Commit writes; raises what they failed with."""
        before = len(self.reports)
        self.submit(*writes)
        while len(self.reports) == before:
            self._news = trio.Event()
            await self._news.wait()
        error = self.reports[-1][1]
        if error is not None:
            raise error


@asynccontextmanager
async def opened(store):
    at = Opened(store)
    await store.open(at.on_commit)
    try:
        yield at
    finally:
        await store.aclose()
