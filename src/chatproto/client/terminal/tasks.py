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
    """`ended` is told when one has, and why it was refused if it was."""

    def __init__(self, ended: Callable[[ChatprotoError | None], None]) -> None:
        self._ended = ended
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
        refusal = None
        try:
            await function(*args)
        except Disconnected:
            pass  # the status line says so, and what waits is sent later
        except ChatprotoError as error:
            refusal = error
        self._ended(refusal)
