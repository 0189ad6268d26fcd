"""Things under way, each begun after the one before."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import trio

from chatproto.client.transport import Disconnected
from chatproto.errors import ChatprotoError

Task: TypeAlias = Callable[[], Awaitable[None]]


class Tasks:
    """`refused` is told why something was not done, and what else goes wrong is raised."""

    def __init__(self, refused: Callable[[ChatprotoError], None]) -> None:
        self._refused = refused
        self._add, self._added = trio.open_memory_channel[Task](math.inf)

    def start(self, function: Callable[..., Awaitable[None]], *args: object) -> None:
        """Begin soon, and after what was started before."""
        self._add.send_nowait(partial(self._guarded, function, *args))

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            async for task in self._added:
                nursery.start_soon(task)
                # Tasks that begin together do so in any order, and lines of a chat
                # have to be said one after the other.
                await trio.lowlevel.checkpoint()

    async def _guarded(
        self, function: Callable[..., Awaitable[None]], *args: object
    ) -> None:
        try:
            await function(*args)
        except Disconnected:
            pass  # the status line says so, and what waits is sent later
        except ChatprotoError as error:
            self._refused(error)
