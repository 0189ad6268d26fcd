"""Two connection machines joined by a line on which things go wrong.

Nothing here does I/O: a test moves frames and time by hand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from attrs import define, field, frozen

from chatproto.errors import LocalError
from chatproto.testing.clock import FrozenClock, SeededRandom
from chatproto.wire.frames import Frame
from chatproto.wire.websocket import FrameReader, Text, text_frame
from chatproto.wire.ws import Role, WsConnection

MAX_MESSAGE = 16 * 1024 * 1024
_MASK = b"mask"


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


class ConnectionPair:
    """A client's and a server's machine, joined.

    What one end sends, the other has in `take()` once it has arrived. `clock` moves
    only when told; `seed` decides where the faults strike.
    """

    def __init__(self, faults: Faults | None = None, *, seed: int = 0) -> None:
        self.clock = FrozenClock()
        self.is_broken = False
        self._faults = faults or Faults()
        self._random = SeededRandom(seed)
        to_server, to_client = _Line(), _Line()
        self.client = End(self, Role.CLIENT, to_client, to_server)
        self.server = End(self, Role.SERVER, to_server, to_client)

    def advance_ms(self, ms: int) -> None:
        """Let so many milliseconds go by."""
        self.clock.advance_ms(ms)

    def break_off(self) -> None:
        """Lose the connection, with all that is on its way."""
        self.is_broken = True
        for end in (self.client, self.server):
            end.incoming.pieces.clear()
            end.machine.close()

    def put(self, line: _Line, data: bytes) -> None:
        """Send bytes over a line, as far as the faults let them."""
        for piece in self._pieces(data):
            if self._random.number() < self._faults.drop:
                self.break_off()
                return
            delay_ms = int(self._random.number() * (self._faults.delay_ms + 1))
            line.put(self.clock.now_ms() + delay_ms, piece)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        if not self._faults.split:
            yield data
            return
        while data:
            size = 1 + int(self._random.number() * self._faults.split)
            yield data[:size]
            data = data[size:]


@define(eq=False)
class _Line:
    """Pieces with the times at which they arrive, one after the other."""

    pieces: deque[tuple[int, bytes]] = field(factory=deque)

    def put(self, at_ms: int, piece: bytes) -> None:
        last_ms = self.pieces[-1][0] if self.pieces else at_ms
        self.pieces.append((max(at_ms, last_ms), piece))

    def arrived(self, now_ms: int) -> bytes:
        data = b""
        while self.pieces and self.pieces[0][0] <= now_ms:
            data += self.pieces.popleft()[1]
        return data


class End:
    """One end of a pair; `machine` is its connection machine."""

    def __init__(
        self, pair: ConnectionPair, role: Role, incoming: _Line, outgoing: _Line
    ) -> None:
        self.machine = WsConnection(role)
        self.incoming = incoming
        self._pair = pair
        self._outgoing = outgoing
        is_server = role is Role.SERVER
        self._reader = FrameReader(MAX_MESSAGE, masked=is_server)
        self._mask = None if is_server else _MASK

    def send(self, frame: Frame) -> None:
        """Send a frame. Raises LocalError if it may not be sent now."""
        if self._pair.is_broken:
            raise LocalError("the connection is broken")
        message = self.machine.send(frame)
        self._pair.put(self._outgoing, text_frame(message, self._mask))

    def take(self) -> list[Frame]:
        """The frames that have arrived by now.

        Raises RemoteError for one that may not come, or is none.
        """
        self._reader.feed(self.incoming.arrived(self._pair.clock.now_ms()))
        return [
            self.machine.receive_data(event.payload)
            for event in self._reader
            if isinstance(event, Text)
        ]
