"""What each connection has been sent: the two answers that may be the client's newest.

The client acknowledges an answer by asking with its `pos`. Until it does, it may as
well ask again with the one before, for the answer may have been lost; so both are
kept, and nothing older (docs/protocol/sliding-sync.md).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import TypeAlias

from attrs import define, field, frozen

from chatproto.errors import MatrixError
from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.server.positions import Position
from chatproto.server.sliding.wanted import RoomWanted

MAX_CONNECTIONS_OF_DEVICE = 8
MAX_KNOWN_ROOMS = 500_000  # of all connections together; about 200 MB
MEMBERS_OF_A_ROOM = 10  # take about as much memory as what else is known of it
MAX_CONN_ID = 255
MAX_LOST = 10_000  # connections of which it is known how far they were
CONNECTION_WEIGHT = 10  # what a connection without rooms takes, in rooms

Place: TypeAlias = tuple[UserId, DeviceId | None]


@frozen
class Followed:
    """Rooms whose news of one kind have been sent: the live ones up to the step, the
    others up to where they were when they stopped being live.
    """

    live: frozenset[RoomId] = frozenset()
    behind: Mapping[RoomId, int] = field(factory=dict)

    def after(self, room_id: RoomId, at: int) -> int:
        """Up to where a room's news have been sent when the step is at `at`; 0 if none
        ever were.
        """
        return at if room_id in self.live else self.behind.get(room_id, 0)

    def moved(self, rooms: Collection[RoomId], at: int) -> Followed:
        """When these rooms are live from here on, and the step was at `at`."""
        if self.live == rooms:
            return self
        live = frozenset(rooms)
        behind = {room: pos for room, pos in self.behind.items() if room not in live}
        behind.update(dict.fromkeys(self.live - live, at))
        return Followed(live, behind)


@frozen(kw_only=True)
class KnownRoom:
    """What the client knows of a room.

    Of its timeline, all from seq `first` to `through` without a gap; of its state, what
    `wanted` matches, as of `through`. `fields` are digests of what else was sent: they
    take less memory than names and heroes. `members` are those who were sent because
    they spoke.
    """

    membership: str
    first: int
    through: int
    wanted: RoomWanted
    fields: Mapping[str, int]
    members: frozenset[UserId] = frozenset()


@frozen(kw_only=True)
class Marks:
    """Up to where extensions have been sent."""

    data: int = 0  # global account data, by pos
    room_data: Followed = field(factory=Followed)
    receipts: Followed = field(factory=Followed)
    typing: Followed = field(factory=Followed)  # by eph
    devices: int | None = None  # changes of device lists, by pos
    keys: int | None = None  # a digest of the counts of keys


@frozen(kw_only=True)
class Step:
    """What a connection has been sent up to one of its answers."""

    number: int
    at: Position
    rooms: Mapping[RoomId, KnownRoom] = field(factory=dict)
    followed: Followed = field(factory=Followed)
    counts: Mapping[str, int] = field(factory=dict)
    marks: Marks = field(factory=Marks)

    @property
    def pos(self) -> str:
        return f"{self.at}_{self.number}"


@define
class Connection:
    """One sync loop of a device: nothing sent, sent, or sent and acknowledged.

    `turn` counts its requests: of two at once only the younger is answered. `lost` is
    the pos up to which the client had got on a connection that was forgotten.
    """

    sent: Step | None = None
    acknowledged: Step | None = None
    lost: int | None = None
    turn: int = 0
    weight: int = 0
    _wake: Callable[[], object] | None = None

    def take_turn(self, wake: Callable[[], object] | None) -> int:
        """Begin a request, and call `wake` when another takes its turn."""
        self.turn += 1
        if self._wake is not None:
            self._wake()
        self._wake = wake
        return self.turn

    def resume(self, pos: str) -> Step:
        """The step that a client goes on from. Raises MatrixError M_UNKNOWN_POS."""
        if self.sent is not None and self.sent.pos == pos:
            self.acknowledged = self.sent
        if self.acknowledged is None or self.acknowledged.pos != pos:
            raise unknown_pos()
        return self.acknowledged


@define(eq=False)
class Connections:
    """The connections of a running server, the longest unused forgotten first."""

    max_known_rooms: int = MAX_KNOWN_ROOMS
    _places: OrderedDict[Place, OrderedDict[str, Connection]] = field(
        factory=OrderedDict
    )
    _lost: OrderedDict[tuple[Place, str], int] = field(factory=OrderedDict)
    _number: int = 0
    _weight: int = 0

    def begin(self, place: Place, conn_id: str) -> Connection:
        """A connection anew; what it was before is forgotten."""
        mine = self._places.setdefault(place, OrderedDict())
        self._places.move_to_end(place)
        self._drop(place, conn_id)
        connection = Connection(lost=self._lost.get((place, conn_id)))
        mine[conn_id] = connection
        while len(mine) > MAX_CONNECTIONS_OF_DEVICE:
            self._drop(place, next(iter(mine)))
        return connection

    def resume(self, place: Place, conn_id: str, pos: str) -> tuple[Connection, Step]:
        """A connection, and the step that a client goes on from.

        Raises MatrixError M_UNKNOWN_POS, and remembers how far that client was.
        """
        try:
            connection = self.find(place, conn_id)
            step = connection.resume(pos)
        except MatrixError:
            self._lose(place, conn_id, pos)
            raise
        self._lost.pop((place, conn_id), None)
        return connection, step

    def find(self, place: Place, conn_id: str) -> Connection:
        """A connection to go on with. Raises MatrixError M_UNKNOWN_POS."""
        mine = self._places.get(place)
        if mine is None or conn_id not in mine:
            raise unknown_pos()
        self._places.move_to_end(place)
        mine.move_to_end(conn_id)
        return mine[conn_id]

    def next_number(self) -> int:
        """Numbers of answers: never the same twice, so none fits two connections."""
        self._number += 1
        return self._number

    def answered(self, connection: Connection, step: Step) -> None:
        """Note what was sent; others are forgotten if that is too much to remember."""
        connection.sent = step
        members = sum(len(room.members) for room in step.rooms.values())
        weight = CONNECTION_WEIGHT + len(step.rooms) + members // MEMBERS_OF_A_ROOM
        self._weight += weight - connection.weight
        connection.weight = weight
        while self._weight > self.max_known_rooms and len(self._places) > 1:
            place = next(iter(self._places))
            for conn_id in list(self._places[place]):
                self._drop(place, conn_id)
            del self._places[place]

    @property
    def weight(self) -> int:
        """How much is remembered, in rooms."""
        return self._weight

    def _lose(self, place: Place, conn_id: str, pos: str) -> None:
        with suppress(MatrixError):
            self._lost[place, conn_id] = Position.parse(pos).pos
            self._lost.move_to_end((place, conn_id))
        while len(self._lost) > MAX_LOST:
            self._lost.popitem(last=False)

    def _drop(self, place: Place, conn_id: str) -> None:
        dropped = self._places[place].pop(conn_id, None)
        if dropped is not None:
            self._weight -= dropped.weight
            dropped.take_turn(None)


def unknown_pos() -> MatrixError:
    message = "this server no longer knows the connection; start it anew, without pos"
    return MatrixError("M_UNKNOWN_POS", message)
