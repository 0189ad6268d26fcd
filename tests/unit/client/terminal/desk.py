"""A person at the terminal client, in memory."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pyte
import trio
from attrs import define

from chatproto.client.terminal.app import App
from chatproto.client.terminal.keys import Keys


@define(eq=False)
class Desk:
    """`press` what a terminal sends; `lines` are on the screen, the last is typed on."""

    app: App
    screen: pyte.Screen
    keys: trio.MemorySendChannel
    has_left: bool = False

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def typed(self):
        return self.lines[-1].removeprefix(">").strip()

    async def press(self, keys, seconds=0.2):
        for key in Keys().feed(keys.encode()):
            await self.keys.send(key)
        await trio.sleep(seconds)  # by the test's clock: until all has been done


@asynccontextmanager
async def sit_down(session, room_id=None, *, columns=90, rows=20):
    screen = pyte.Screen(columns, rows)
    stream = pyte.Stream(screen)
    send, receive = trio.open_memory_channel(100)

    async def keys():
        async for key in receive:
            yield key

    app = App(
        session,
        room_id,
        write=stream.feed,
        keys=keys,
        size=lambda: (screen.columns, screen.lines),
    )
    desk = Desk(app, screen, send)

    async def stay():
        await app.run()
        desk.has_left = True

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stay)
        await trio.sleep(0.2)
        yield desk
        nursery.cancel_scope.cancel()
