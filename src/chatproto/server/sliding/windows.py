"""Lists of rooms, and the windows into them through which a client looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized

from attrs import field, frozen

from chatproto.errors import MatrixError
from chatproto.ids import RoomId, UserId
from chatproto.operations.sliding_sync import (
    ListFilters,
    ListOfRooms,
    ListOfRoomsV4,
    SlidingSync,
    SlidingSyncV4,
)
from chatproto.server.sliding.wanted import RoomWanted, room_wanted, room_wanted_v4

MAX_LISTS = 100
MAX_SUBSCRIPTIONS = 1_000
MAX_RANGES = 100
MAX_FILTERED = 100  # every room is held against each of them


@frozen(kw_only=True)
class ListedRoom:
    """A room as far as lists and their filters have to know it.

    `activity` is the position by which lists are ordered, the newest first.
    """

    room_id: RoomId
    activity: int
    membership: str = "join"
    is_dm: bool = False
    is_encrypted: bool = False
    room_type: str | None = None
    name: str | None = None
    tags: frozenset[str] = frozenset()
    spaces: frozenset[str] = frozenset()  # the user's spaces that name it as a child

    def passes(self, filters: ListFilters) -> bool:
        """Whether it belongs into a list (MSC4186, `SlidingRoomFilter`)."""
        is_invited = self.membership == "invite"
        return (
            filters.is_dm in (None, self.is_dm)
            and filters.is_encrypted in (None, self.is_encrypted)
            and filters.is_invite in (None, is_invited)
            and _is_in(filters.room_types, (self.room_type,))
            and self.room_type not in (filters.not_room_types or ())
            and _is_in(filters.tags, self.tags)
            and self.tags.isdisjoint(filters.not_tags or ())
            and _is_in(filters.spaces, self.spaces)
            and _is_named(self.name, filters.room_name_like)
        )


@frozen
class RoomList:
    """A list as it was asked for."""

    ranges: tuple[tuple[int, int], ...] | None
    filters: ListFilters
    wanted: RoomWanted

    def window(self, rooms: Sequence[RoomId]) -> list[RoomId]:
        """The rooms of its windows, out of those that pass its filters."""
        if self.ranges is None:
            return list(rooms)
        seen: dict[RoomId, None] = {}
        for first, last in self.ranges:
            seen.update(dict.fromkeys(rooms[first : last + 1]))
        return list(seen)


@frozen
class Asked:
    """What a request looks at."""

    lists: Mapping[str, RoomList]
    subscriptions: Mapping[RoomId, RoomWanted]

    @property
    def filters_by_state(self) -> bool:
        return any(
            f.is_encrypted is not None
            or f.room_types is not None
            or f.not_room_types is not None
            or f.room_name_like is not None
            for f in self._filters
        )

    @property
    def filters_by_tags(self) -> bool:
        return any(f.tags is not None or f.not_tags is not None for f in self._filters)

    @property
    def spaces(self) -> frozenset[str]:
        return frozenset(s for f in self._filters for s in f.spaces or ())

    @property
    def _filters(self) -> Iterable[ListFilters]:
        return (asked.filters for asked in self.lists.values())


@frozen
class Seen:
    """The rooms that a client looks at, and what it wants of each."""

    counts: Mapping[str, int] = field(factory=dict)
    windows: Mapping[str, Sequence[RoomId]] = field(factory=dict)
    subscribed: Sequence[RoomId] = ()
    rooms: Mapping[RoomId, RoomWanted] = field(factory=dict)

    def lists_of(self, room_id: RoomId) -> list[str]:
        return [name for name, rooms in self.windows.items() if room_id in rooms]


def read_asked(request: SlidingSync, user_id: UserId) -> Asked:
    """What a request looks at. Raises MatrixError M_INVALID_PARAM."""
    _require_few(request.lists, request.room_subscriptions)
    return Asked(
        lists={n: _list(asked, user_id) for n, asked in request.lists.items()},
        subscriptions={
            RoomId(room_id): room_wanted(s.timeline_limit, s.required_state, user_id)
            for room_id, s in request.room_subscriptions.items()
        },
    )


def read_asked_v4(request: SlidingSyncV4) -> Asked:
    """What a request in the last names looks at. Raises MatrixError."""
    _require_few(request.lists, request.room_subscriptions)
    return Asked(
        lists={name: _list_v4(asked) for name, asked in request.lists.items()},
        subscriptions={
            RoomId(room_id): room_wanted_v4(s.timeline_limit, s.required_state)
            for room_id, s in request.room_subscriptions.items()
        },
    )


def look(asked: Asked, rooms: Iterable[ListedRoom]) -> Seen:
    """What the client sees of rooms that it may see."""
    ordered = sorted(rooms, key=lambda room: (-room.activity, room.room_id))
    counts: dict[str, int] = {}
    windows: dict[str, Sequence[RoomId]] = {}
    wanted: dict[RoomId, RoomWanted] = {}
    for name, of_list in asked.lists.items():
        passed = [r.room_id for r in ordered if r.passes(of_list.filters)]
        counts[name] = len(passed)
        windows[name] = of_list.window(passed)
        for room_id in windows[name]:
            known = wanted.get(room_id)
            wanted[room_id] = (
                of_list.wanted if known is None else known | of_list.wanted
            )
    there = {room.room_id for room in ordered}
    subscribed = [room_id for room_id in asked.subscriptions if room_id in there]
    for room_id in subscribed:
        more = asked.subscriptions[room_id]
        wanted[room_id] = wanted[room_id] | more if room_id in wanted else more
    return Seen(counts, windows, subscribed, wanted)


def _require_few(lists: Sized, subscriptions: Sized) -> None:
    if len(lists) > MAX_LISTS:
        raise MatrixError("M_INVALID_PARAM", f"there are over {MAX_LISTS} lists")
    if len(subscriptions) > MAX_SUBSCRIPTIONS:
        message = f"there are over {MAX_SUBSCRIPTIONS} subscriptions of rooms"
        raise MatrixError("M_INVALID_PARAM", message)


def _list(asked: ListOfRooms, user_id: UserId) -> RoomList:
    ranges = None
    if asked.ranges is not None:
        if len(asked.ranges) > MAX_RANGES:
            raise MatrixError("M_INVALID_PARAM", f"a list has over {MAX_RANGES} ranges")
        ranges = tuple(_range(pair) for pair in asked.ranges)
    _require_few_values(asked.filters)
    wanted = room_wanted(asked.timeline_limit, asked.required_state, user_id)
    return RoomList(ranges, asked.filters, wanted)


def _list_v4(asked: ListOfRoomsV4) -> RoomList:
    ranges = None if asked.range is None else (_range(asked.range),)
    wants = asked.filters
    filters = ListFilters(
        is_dm=wants.is_dm,
        is_encrypted=wants.is_encrypted,
        is_invite=wants.is_invited,
        spaces=wants.spaces,
        room_types=wants.room_types,
        not_room_types=wants.not_room_types,
        tags=wants.tags,
        not_tags=wants.not_tags,
    )
    _require_few_values(filters)
    wanted = room_wanted_v4(asked.timeline_limit, asked.required_state)
    return RoomList(ranges, filters, wanted)


def _require_few_values(filters: ListFilters) -> None:
    many = (
        filters.spaces,
        filters.room_types,
        filters.not_room_types,
        filters.tags,
        filters.not_tags,
    )
    if any(len(values or ()) > MAX_FILTERED for values in many):
        message = f"a filter names over {MAX_FILTERED} tags, types or spaces"
        raise MatrixError("M_INVALID_PARAM", message)


def _range(pair: tuple[int, ...]) -> tuple[int, int]:
    if len(pair) != 2 or not 0 <= pair[0] <= pair[1]:
        message = "a range is a pair of places in a list, the lower first"
        raise MatrixError("M_INVALID_PARAM", message)
    return pair[0], pair[1]


def _is_in(wanted: Sequence[str | None] | None, found: Iterable[str | None]) -> bool:
    return wanted is None or any(each in wanted for each in found)


def _is_named(name: str | None, part: str | None) -> bool:
    return not part or part.casefold() in (name or "").casefold()
