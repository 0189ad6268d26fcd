"""Two connection machines joined by lines on which things go wrong.

Nothing here does I/O: a test moves frames and time by hand.
"""

from __future__ import annotations

from chatproto.errors import LocalError
from chatproto.testing.clock import FrozenClock, SeededRandom
from chatproto.testing.line import NO_FAULTS, Faults, Line
from chatproto.wire.frames import Frame
from chatproto.wire.websocket import FrameReader, Text, text_frame
from chatproto.wire.ws import Role, WsConnection

MAX_MESSAGE = 16 * 1024 * 1024
MASK = b"mask"


class ConnectionPair:
    """A client's and a server's machine, joined.

    What one end sends, the other has in `take()` once it has arrived. `clock` moves
    only when told; `seed` decides where the faults strike.
    """

    def __init__(self, faults: Faults = NO_FAULTS, *, seed: int = 0) -> None:
        self.clock = FrozenClock()
        self.is_broken = False
        random = SeededRandom(seed)
        to_server = Line(faults, random, self.clock.now_ms)
        to_client = Line(faults, random, self.clock.now_ms)
        self.client = End(self, Role.CLIENT, to_client, to_server)
        self.server = End(self, Role.SERVER, to_server, to_client)

    def advance_ms(self, ms: int) -> None:
        """Let so many milliseconds go by."""
        self.clock.advance_ms(ms)

    def break_off(self) -> None:
        """Lose the connection, with all that is on its way."""
        self.is_broken = True
        for end in (self.client, self.server):
            end.incoming.clear()
            end.machine.close()


class End:
    """One end of a pair; `machine` is its connection machine."""

    def __init__(
        self, pair: ConnectionPair, role: Role, incoming: Line, outgoing: Line
    ) -> None:
        self.machine = WsConnection(role)
        self.incoming = incoming
        self._pair = pair
        self._outgoing = outgoing
        is_server = role is Role.SERVER
        self._reader = FrameReader(MAX_MESSAGE, masked=is_server)
        self._mask = None if is_server else MASK

    def send(self, frame: Frame) -> None:
        """Send a frame. Raises LocalError if it may not be sent now."""
        if self._pair.is_broken:
            raise LocalError("the connection is broken")
        message = self.machine.send(frame)
        if not self._outgoing.put(text_frame(message, self._mask)):
            self._pair.break_off()

    def take(self) -> list[Frame]:
        """The frames that have arrived by now.

        Raises RemoteError for one that may not come, or is none.
        """
        self._reader.feed(self.incoming.take())
        return [
            self.machine.receive_data(event.payload)
            for event in self._reader
            if isinstance(event, Text)
        ]
