"""A line between two ends on which things go wrong, as they do on a network."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from attrs import define, field, frozen

from chatproto.testing.clock import SeededRandom


@frozen(kw_only=True)
class Faults:
    """What a line does to what is sent over it; it keeps the order, as TCP does.

    Bytes travel in pieces of 1 to `split` bytes (0: each message whole), each for up
    to `delay_ms` milliseconds. With the chance `drop`, from 0 to 1, a piece is lost,
    and the connection with it.
    """

    split: int = 0
    delay_ms: int = 0
    drop: float = 0.0


NO_FAULTS = Faults()


@define(eq=False)
class Line:
    """One direction. `now_ms` gives the time in milliseconds."""

    faults: Faults
    random: SeededRandom
    now_ms: Callable[[], int]
    waiting: int = 0  # bytes that have been sent and not taken
    _pieces: deque[tuple[int, bytes]] = field(factory=deque)

    def put(self, data: bytes) -> bool:
        """Send bytes; false if the connection is lost over it."""
        for piece in self._split(data):
            if self.random.number() < self.faults.drop:
                return False
            delay_ms = int(self.random.number() * (self.faults.delay_ms + 1))
            last_ms = self._pieces[-1][0] if self._pieces else 0
            self._pieces.append((max(self.now_ms() + delay_ms, last_ms), piece))
            self.waiting += len(piece)
        return True

    def take(self) -> bytes:
        """What has arrived by now."""
        data = b""
        while self._pieces and self._pieces[0][0] <= self.now_ms():
            data += self._pieces.popleft()[1]
        self.waiting -= len(data)
        return data

    def next_ms(self) -> int | None:
        """When the next piece arrives; None if there is none."""
        return self._pieces[0][0] if self._pieces else None

    def clear(self) -> None:
        """Lose everything that is on its way."""
        self._pieces.clear()
        self.waiting = 0

    def _split(self, data: bytes) -> Iterator[bytes]:
        if not self.faults.split:
            yield data
            return
        while data:
            size = 1 + int(self.random.number() * self.faults.split)
            yield data[:size]
            data = data[size:]
