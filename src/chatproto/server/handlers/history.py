"""Reading a room: state, history, context, relations, members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatproto.canonical import JsonObject, loads
from chatproto.decisions import Handler, Reads, SeenEvent
from chatproto.errors import MatrixError
from chatproto.ids import RoomId, UserId
from chatproto.operations import messages as ops
from chatproto.rooms.visibility import can_see
from chatproto.server.filters import EventFilter, parse_types
from chatproto.server.positions import Position, history_token, parse_history_token

MAX_PAGE = 1_000
# So far relations of relations are followed (specification: at least three).
MAX_HOPS = 3


async def get_state(reading: Any, request: ops.GetState) -> JsonObject:
    events = await _state(reading, request.room_id)
    for event in events:
        if (event.pdu.type, event.pdu.state_key) == (
            request.event_type,
            request.state_key,
        ):
            if request.format == "event":
                return await _client(reading, event)
            return event.pdu.content
    raise MatrixError(
        "M_NOT_FOUND", f"the room has no state {request.event_type[:60]!r}"
    )


async def get_all_state(
    reading: Any, request: ops.GetAllState
) -> tuple[JsonObject, ...]:
    events = await _state(reading, request.room_id)
    return tuple(await reading.formats.client_events(events))


async def _state(reading: Any, room_id: RoomId) -> Sequence[SeenEvent]:
    """The state now for members, and as they left it for those who have left."""
    last_visible = await reading.visible.require_state(room_id, reading.caller.user)
    state: Sequence[SeenEvent] = await reading.store.state_at(room_id, last_visible)
    return state


async def get_history(reading: Any, request: ops.GetHistory) -> ops.HistoryPage:
    if request.dir not in ("b", "f"):
        raise MatrixError("M_INVALID_PARAM", "dir is b or f")
    backwards = request.dir == "b"
    room_id = request.room_id
    ranges = await reading.visible.require(room_id, reading.caller.user)
    row = await reading.store.room(room_id)
    default = row.seq if backwards else 0
    start = await _seq(reading, room_id, request.from_, default)
    to = await _seq(reading, room_id, request.to, 0 if backwards else row.seq)
    passes, lazy = _filter(request.filter)
    limit = max(1, min(request.limit, MAX_PAGE))
    found = await reading.store.events(
        room_id,
        after=to if backwards else start,
        before=(start if backwards else to) + 1,
        limit=limit + 1,
        backwards=backwards,
        ranges=ranges,
    )
    page = found[:limit]
    end = None
    if len(found) > limit:
        last = page[-1].seq
        end = history_token(last - 1 if backwards else last)
    audible = await reading.heard(page)
    shown = await reading.engine.pages.passing(room_id, audible, passes)
    state: tuple[JsonObject, ...] = ()
    if lazy and shown:
        state = await _members_of(reading, room_id, shown)
    return ops.HistoryPage(
        chunk=await reading.page(room_id, shown),
        start=history_token(start),
        end=end,
        state=state,
    )


async def _seq(reading: Any, room_id: RoomId, token: str | None, default: int) -> int:
    if token is None:
        return default
    point = parse_history_token(token)
    if isinstance(point, Position):
        return int(await reading.store.seq_at(room_id, point.pos))
    return point


def _filter(text: str | None) -> tuple[EventFilter, bool]:
    if text is None:
        return EventFilter(), False
    json = loads(text)
    if not isinstance(json, dict):
        raise MatrixError("M_BAD_JSON", "the filter is not an object")
    return parse_types(json), bool(json.get("lazy_load_members"))


async def _members_of(
    reading: Any,
    room_id: RoomId,
    page: Sequence[SeenEvent],
) -> tuple[JsonObject, ...]:
    senders = {event.pdu.sender for event in page}
    last = max(event.seq for event in page)
    shown = await reading.store.members_at(room_id, senders, last)
    return tuple(await reading.formats.client_events(shown))


async def _client(reading: Any, event: SeenEvent) -> JsonObject:
    page: Sequence[JsonObject] = await reading.page(event.pdu.room_id, (event,))
    return page[0]


async def get_event(reading: Any, request: ops.GetEvent) -> JsonObject:
    caller = reading.caller.user
    event = await reading.visible.event(request.room_id, request.event_id, caller)
    return await _client(reading, event)


async def get_context(reading: Any, request: ops.GetContext) -> ops.EventContext:
    caller, room_id = reading.caller.user, request.room_id
    event = await reading.visible.event(room_id, request.event_id, caller)
    ranges = await reading.visible.require(room_id, caller)
    half = max(0, min(request.limit, 100)) // 2
    store = reading.store
    before = await store.events(
        room_id,
        before=event.seq,
        limit=half,
        backwards=True,
        ranges=ranges,
    )
    after = await store.events(room_id, after=event.seq, limit=half, ranges=ranges)
    first = before[-1].seq if before else event.seq
    last = after[-1].seq if after else event.seq
    _, lazy = _filter(request.filter)
    if lazy:
        state = await _members_of(reading, room_id, (*before, event, *after))
    else:
        found = await store.state_at(room_id, last)
        state = tuple(await reading.formats.client_events(found))
    return ops.EventContext(
        start=history_token(first - 1),
        end=history_token(last),
        event=await _client(reading, event),
        events_before=await reading.page(room_id, await reading.heard(before)),
        events_after=await reading.page(room_id, await reading.heard(after)),
        state=state,
    )


async def get_relations(
    reading: Any,
    request: ops.GetRelations | ops.GetRelationsOfKind | ops.GetRelationsOfType,
) -> ops.RelatedEvents:
    caller, room_id = reading.caller.user, request.room_id
    await reading.visible.event(room_id, request.event_id, caller)
    ranges = await reading.visible.require(room_id, caller)
    backwards = request.dir == "b"
    point = await _seq(reading, room_id, request.from_, -1)
    to = await _seq(reading, room_id, request.to, -1)
    limit = max(1, min(request.limit, 100))
    after, before = (to, point) if backwards else (point, to)
    found = await reading.store.relations(
        room_id,
        request.event_id,
        rel_type=getattr(request, "rel_type", None),
        event_type=getattr(request, "event_type", None),
        after=max(after, 0),
        before=before + 1 if before >= 0 else None,
        limit=limit + 1,
        backwards=backwards,
        hops=MAX_HOPS if request.recurse else 1,
    )
    page = [event for event in found[:limit] if can_see(ranges, event.seq)]
    next_batch = None
    if len(found) > limit:
        last = found[limit - 1].seq
        next_batch = history_token(last - 1 if backwards else last)
    return ops.RelatedEvents(
        chunk=await reading.page(room_id, await reading.heard(page)),
        next_batch=next_batch,
        prev_batch=request.from_,
        recursion_depth=MAX_HOPS if request.recurse else None,
    )


async def get_threads(reading: Any, request: ops.GetThreads) -> ops.ThreadRoots:
    if request.include not in ("all", "participated"):
        raise MatrixError("M_INVALID_PARAM", "include is all or participated")
    caller, room_id = reading.caller.user, request.room_id
    ranges = await reading.visible.require(room_id, caller)
    point = await _seq(reading, room_id, request.from_, -1)
    limit = max(1, min(request.limit, 100))
    found = await reading.store.thread_roots(
        room_id,
        before=None if point < 0 else point + 1,
        limit=limit + 1,
        sender=caller if request.include == "participated" else None,
    )
    roots = [root for root, _ in found[:limit] if can_see(ranges, root.seq)]
    more = len(found) > limit
    return ops.ThreadRoots(
        chunk=await reading.page(room_id, roots),
        next_batch=history_token(found[limit - 1][1] - 1) if more else None,
    )


async def get_members(reading: Any, request: ops.GetMembers) -> ops.Members:
    caller, room_id = reading.caller.user, request.room_id
    last_visible = await reading.visible.require_state(room_id, caller)
    seq = min(await _seq(reading, room_id, request.at, last_visible), last_visible)
    state = await reading.store.state_at(room_id, seq)
    shown = [
        event
        for event in state
        if event.pdu.type == "m.room.member"
        and request.membership in (None, event.pdu.content.get("membership"))
        and request.not_membership != event.pdu.content.get("membership")
    ]
    return ops.Members(chunk=tuple(await reading.formats.client_events(shown)))


async def get_joined_members(
    reading: Any,
    request: ops.GetJoinedMembers,
) -> ops.JoinedMembers:
    row = await reading.store.membership(request.room_id, reading.caller.user)
    if row is None or row.membership != "join":
        raise MatrixError("M_FORBIDDEN", "you are not in this room")
    state = (await reading.room(request.room_id)).state
    joined: dict[UserId, ops.JoinedMember] = {}
    for user_id in state.members("join"):
        content = state.content("m.room.member", user_id)
        joined[user_id] = ops.JoinedMember(
            display_name=content.get("displayname"),
            avatar_url=content.get("avatar_url"),
        )
    return ops.JoinedMembers(joined=joined)


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.GET_STATE, get_state),
    Reads(ops.GET_ALL_STATE, get_all_state),
    Reads(ops.GET_HISTORY, get_history),
    Reads(ops.GET_EVENT, get_event),
    Reads(ops.GET_CONTEXT, get_context),
    Reads(ops.GET_RELATIONS, get_relations),
    Reads(ops.GET_RELATIONS_OF_KIND, get_relations),
    Reads(ops.GET_RELATIONS_OF_TYPE, get_relations),
    Reads(ops.GET_THREADS, get_threads),
    Reads(ops.GET_MEMBERS, get_members),
    Reads(ops.GET_JOINED_MEMBERS, get_joined_members),
)
