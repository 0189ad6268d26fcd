"""Rooms within rooms (specification, "Spaces"), and what outsiders see of a room."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from attrs import asdict, frozen

from chatproto.canonical import JsonObject, list_of
from chatproto.decisions import Handler, Reads
from chatproto.errors import MatrixError
from chatproto.events.envelope import Pdu, stripped
from chatproto.ids import RoomAlias, RoomId
from chatproto.operations import spaces as ops
from chatproto.rooms.state import RoomState
from chatproto.rooms.timeline import Timeline
from chatproto.server.guests import lets_guests_in
from chatproto.server.handlers.membership import (
    allowed_rooms,
    meets_condition,
    resolve,
)

MAX_PAGE = 50
MAX_DEPTH = 50
# So many rooms are looked at for one call; what lies beyond is not listed.
MAX_WALKED = 2_000
_MAX_ORDER = 50
_OPEN = ("public", "knock", "knock_restricted")
_SHOWN_TO = ("join", "invite", "knock")


@frozen
class _From:
    """Where a page begins: after a room, or after so many if that one has gone."""

    max_depth: int
    suggested_only: bool
    count: int = 0
    room_id: str = ""

    def token(self) -> str:
        return f"h{self.count}_{self.max_depth}_{self.suggested_only:d}_{self.room_id}"

    @classmethod
    def of(cls, request: ops.GetHierarchy) -> _From:
        """Raises MatrixError M_INVALID_PARAM."""
        depth = MAX_DEPTH if request.max_depth is None else request.max_depth
        if depth < 0 or (request.limit is not None and request.limit < 1):
            raise MatrixError("M_INVALID_PARAM", "limit and max_depth are positive")
        first = cls(min(depth, MAX_DEPTH), request.suggested_only)
        if request.from_ is None:
            return first
        count, _, rest = request.from_.removeprefix("h").partition("_")
        room_id = rest.partition("_")[2].partition("_")[2]
        is_count = count.isascii() and count.isdecimal() and len(count) < 10
        known = cls(*_filters(first), int(count) if is_count else 0, room_id)
        if known.token() != request.from_:
            raise MatrixError(
                "M_INVALID_PARAM",
                "from is of no page of this space with these filters",
            )
        return known


def _filters(first: _From) -> tuple[int, bool]:
    return first.max_depth, first.suggested_only


async def get_hierarchy(reading: Any, request: ops.GetHierarchy) -> ops.Hierarchy:
    start = _From.of(request)
    if await _shown(reading, request.room_id) is None:
        raise MatrixError("M_FORBIDDEN", "you are not allowed to view this room")
    size = min(request.limit or MAX_PAGE, MAX_PAGE)
    walked: list[Timeline] = []
    after = None if start.room_id else 0
    async with aclosing(_walk(reading, request.room_id, start)) as rooms_there:
        async for room in rooms_there:
            walked.append(room)
            if room.room_id == start.room_id:
                after = len(walked)
            if after is not None and len(walked) > after + size:
                break
    first = start.count if after is None else after
    page = walked[first : first + size]
    next_batch = None
    if len(walked) > first + size:
        end = _From(*_filters(start), first + size, page[-1].room_id)
        next_batch = end.token()
    rooms = tuple(_space_room(room, start) for room in page)
    return ops.Hierarchy(rooms=rooms, next_batch=next_batch)


async def _walk(reading: Any, root: RoomId, start: _From) -> AsyncGenerator[Timeline]:
    """The rooms that the caller may see, depth first, each of them once."""
    waiting = [(root, 0)]
    seen: set[str] = set()
    while waiting and len(seen) < MAX_WALKED:
        room_id, depth = waiting.pop()
        if room_id in seen:
            continue
        seen.add(room_id)
        room = await _shown(reading, room_id)
        if room is None:
            continue
        yield room
        if depth < start.max_depth:
            children = _children(room.state, suggested_only=start.suggested_only)
            waiting += [(RoomId(c.state_key or ""), depth + 1) for c in children[::-1]]


async def _shown(reading: Any, room_id: RoomId) -> Timeline | None:
    """The room, if the caller is in it, may come into it, or may read it."""
    live = await reading.engine.cache.load(room_id)
    if live is None:
        return None
    room: Timeline = live.timeline
    state, user_id = room.state, reading.caller.user
    membership = state.membership(user_id)
    if membership in _SHOWN_TO or state.history_visibility == "world_readable":
        return room
    if membership == "ban":
        return None
    is_open = state.join_rule in _OPEN
    return room if is_open or await meets_condition(reading, state, user_id) else None


def _children(state: RoomState, *, suggested_only: bool) -> list[Pdu]:
    if state.content("m.room.create").get("type") != "m.space":
        return []
    return sorted(
        (
            pdu
            for pdu in state.events()
            if pdu.type == "m.space.child"
            and list_of(pdu.content.get("via"))
            and (pdu.content.get("suggested") is True or not suggested_only)
        ),
        key=_order,
    )


def _order(child: Pdu) -> tuple[bool, str, int, str]:
    """Those with a valid `order` first ("Ordering of children within a space")."""
    order = child.content.get("order")
    is_valid = (
        isinstance(order, str)
        and len(order) <= _MAX_ORDER
        and all(" " <= letter <= "~" for letter in order)
    )
    text = str(order) if is_valid else ""
    return not is_valid, text, child.origin_server_ts, child.state_key or ""


def _space_room(room: Timeline, start: _From) -> ops.SpaceRoom:
    children = _children(room.state, suggested_only=start.suggested_only)
    shown = [
        {**stripped(child), "origin_server_ts": child.origin_server_ts}
        for child in children
    ]
    return ops.SpaceRoom(**_fields(room), children_state=tuple(shown))


def _fields(room: Timeline) -> JsonObject:
    return asdict(summary_of(room), recurse=False)


def summary_of(room: Timeline) -> ops.RoomSummary:
    state = room.state
    alias = _text(state, "m.room.canonical_alias", "alias")
    return ops.RoomSummary(
        room_id=room.room_id,
        num_joined_members=len(state.members("join")),
        world_readable=state.history_visibility == "world_readable",
        guest_can_join=lets_guests_in(state),
        name=_text(state, "m.room.name", "name"),
        topic=_text(state, "m.room.topic", "topic"),
        avatar_url=_text(state, "m.room.avatar", "url"),
        canonical_alias=RoomAlias(alias) if alias else None,
        join_rule=state.join_rule,
        room_type=_text(state, "m.room.create", "type"),
        allowed_room_ids=allowed_rooms(state) or None,
        encryption=_text(state, "m.room.encryption", "algorithm"),
        room_version=room.version.id,
    )


def _text(state: RoomState, kind: str, key: str) -> str | None:
    value = state.content(kind).get(key)
    return value if isinstance(value, str) else None


async def get_summary(reading: Any, request: ops.GetRoomSummary) -> ops.ShownRoom:
    room_id = await resolve(reading, request.room_id_or_alias)
    room = await _shown(reading, room_id)
    if room is None:
        raise MatrixError("M_NOT_FOUND", "there is no such room, or it is not for you")
    own = room.state.get("m.room.member", reading.caller.user)
    membership = None if own is None else room.state.membership(reading.caller.user)
    return ops.ShownRoom(**_fields(room), membership=membership)


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.GET_HIERARCHY, get_hierarchy),
    Reads(ops.GET_ROOM_SUMMARY, get_summary),
)
