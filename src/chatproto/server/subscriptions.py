"""Who is connected, and which rooms' news they are to get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from attrs import define, field

from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.server.positions import Position
from chatproto.wire.websocket import Encoded


class Reader(Protocol):
    """A live reader of one device's stream: a socket, or a waiting /sync."""

    user_id: UserId
    device_id: DeviceId | None

    def queue(self, kind: str, frame: Encoded) -> None:
        """Take a frame for the next flush."""
        ...

    def mark(self, at: Position) -> None:
        """Note that everything up to a position has been queued."""
        ...

    def behind(self) -> None:
        """Its stream has to be read from the store: rooms came or went."""
        ...

    def flush(self) -> None: ...
    def end(self, reason: str) -> None:
        """Its session is over."""
        ...


@define(eq=False)
class Subscriptions:
    """Readers by user, and for each room the users among its members who read."""

    _readers: dict[UserId, set[Reader]] = field(factory=dict)
    _rooms_of: dict[UserId, set[RoomId]] = field(factory=dict)
    _users_in: dict[RoomId, set[UserId]] = field(factory=dict)

    def add(self, reader: Reader, rooms: Iterable[RoomId]) -> None:
        """`rooms` are the rooms the user has joined."""
        readers = self._readers.setdefault(reader.user_id, set())
        readers.add(reader)
        for room_id in rooms:
            self.join(room_id, reader.user_id)

    def discard(self, reader: Reader) -> bool:
        """Whether that was the user's last reader."""
        readers = self._readers.get(reader.user_id)
        if readers is None:
            return False
        readers.discard(reader)
        if readers:
            return False
        del self._readers[reader.user_id]
        for room_id in self._rooms_of.pop(reader.user_id, ()):
            self._drop(room_id, reader.user_id)
        return True

    def join(self, room_id: RoomId, user_id: UserId) -> None:
        if user_id in self._readers:
            self._rooms_of.setdefault(user_id, set()).add(room_id)
            self._users_in.setdefault(room_id, set()).add(user_id)

    def leave(self, room_id: RoomId, user_id: UserId) -> None:
        rooms = self._rooms_of.get(user_id)
        if rooms is not None:
            rooms.discard(room_id)
        self._drop(room_id, user_id)

    def of_user(self, user_id: UserId) -> Iterable[Reader]:
        return tuple(self._readers.get(user_id, ()))

    def in_room(self, room_id: RoomId) -> Iterator[Reader]:
        readers = self._readers
        for user_id in self._users_in.get(room_id, ()):
            yield from readers[user_id]

    def users_in(self, room_id: RoomId) -> set[UserId]:
        return self._users_in.get(room_id, set())

    def is_reading(self, user_id: UserId) -> bool:
        return user_id in self._readers

    def everyone(self) -> list[Reader]:
        return [reader for readers in self._readers.values() for reader in readers]

    def _drop(self, room_id: RoomId, user_id: UserId) -> None:
        users = self._users_in.get(room_id)
        if users is not None:
            users.discard(user_id)
            if not users:
                del self._users_in[room_id]
