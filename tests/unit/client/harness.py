"""A server in memory, and clients with a way to it that a test may cut."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from chatproto.client import connect
from chatproto.client.reconnect import Backoff
from chatproto.operations.rooms import CreateRoom, JoinRoom
from chatproto.testing import MemoryTransport, SeededRandom, TrioClock

TWO_DAYS_S = 2 * 86_400


def run_jumping(function, *, instruments=(), clock=None):
    """Run a test on a clock that does not wait; one that hangs fails after two days."""

    async def bounded():
        with trio.fail_after(TWO_DAYS_S):
            await function()

    jumping = clock or MockClock(autojump_threshold=0)
    trio.run(bounded, clock=jumping, instruments=instruments)


@define(eq=False)
class Net:
    """Makes transports, sessions and rooms; the password of "anna" is "annapass"."""

    engine: object
    clock: TrioClock
    files: dict = field(factory=dict)

    def transport(self, **options):
        return MemoryTransport(self.engine, files=self.files, **options)

    def connect(self, user, transport=None, **options):
        known = {
            "user": user,
            "password": f"{user}pass",
            "transport": transport or self.transport(),
            "backoff": Backoff(SeededRandom().number),
            "now_ms": self.clock.now_ms,
        }
        return connect("memory:", **{**known, **options})

    @asynccontextmanager
    async def room(self, *others):
        """A session of anna, and a handle on a new room with the others in it."""
        async with self.connect("anna") as anna:
            made = await anna.call(CreateRoom(preset="public_chat"))
            for other in others:
                await other.call(JoinRoom(room_id=made.room_id))
            await wait_all_tasks_blocked()  # until everybody has heard of it
            yield anna, await anna.room(made.room_id)
