"""Search in messages.

What may be found is what the caller could read page by page: the spans of each room's
history that they may see go into the search itself, so that neither a count nor a page
depends on anything else.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen

from chatproto.canonical import JsonObject
from chatproto.decisions import Handler, Reads, SeenEvent
from chatproto.errors import MatrixError
from chatproto.ids import EventId, RoomId, UserId
from chatproto.operations import search as ops
from chatproto.ports import TextHit, TextSearch
from chatproto.server.filters import EventFilter, parse_types
from chatproto.server.highlights import highlights
from chatproto.server.positions import history_token

MAX_RESULTS = 100
MAX_CONTEXT = 50
_TYPES = {
    "content.body": "m.room.message",
    "content.name": "m.room.name",
    "content.topic": "m.room.topic",
}
_TOKEN = re.compile(
    r"([0-9]{1,6})_([0-9]{1,16})_([0-9]{1,16})(?:_(room_id|sender)_([\w-]{1,400}))?"
)


@frozen
class _Page:
    """Where a page begins: after `offset` hits, or with those before a pos, of all up
    to the pos `through`; and the one group of which it is, if it is of one.
    """

    offset: int
    before: int
    through: int
    key: str | None = None
    value: str = ""

    def __str__(self) -> str:
        token = f"{self.offset}_{self.before}_{self.through}"
        if self.key is None:
            return token
        value = urlsafe_b64encode(self.value.encode()).decode().rstrip("=")
        return f"{token}_{self.key}_{value}"

    @classmethod
    def parse(cls, token: str) -> _Page:
        """Raises MatrixError M_INVALID_PARAM."""
        found = _TOKEN.fullmatch(token)
        if found is None or not token.isascii():
            raise MatrixError("M_INVALID_PARAM", f"{token[:60]!r} is no next_batch")
        offset, before, through, key, value = found.groups()
        try:
            text = urlsafe_b64decode((value or "") + "==").decode()
        except (NotBase64, UnicodeDecodeError):
            message = f"{token[:60]!r} is no next_batch"
            raise MatrixError("M_INVALID_PARAM", message) from None
        return cls(int(offset), int(before), int(through), key, text)

    def after(self, hit: TextHit, *, by_rank: bool) -> _Page:
        # Among the newest, what is redacted meanwhile must not shift the next page.
        if by_rank:
            return evolve(self, offset=hit.place)
        return evolve(self, before=hit.pos)


async def search_events(reading: Any, request: ops.SearchEvents) -> ops.FoundEvents:
    criteria = request.search_categories.room_events
    if criteria is None:
        return ops.FoundEvents(search_categories=ops.SearchResults())
    found = await _search(reading, criteria, request.next_batch)
    return ops.FoundEvents(search_categories=ops.SearchResults(room_events=found))


async def _search(
    reading: Any, criteria: ops.RoomEventsCriteria, token: str | None
) -> ops.RoomEventsResults:
    if criteria.order_by not in ("rank", "recent"):
        raise MatrixError("M_INVALID_PARAM", "order_by is rank or recent")
    limit = _limit(criteria.filter)
    if token is None:
        last = await reading.store.last_pos()
        page = _Page(0, last + 1, last)
    else:
        page = _Page.parse(token)
    wanted = await _text_search(reading, criteria, page)
    hits, count = await reading.store.search_texts(wanted, limit=limit + 1)
    shown, following = hits[:limit], None
    if len(hits) > limit:
        following = page.after(shown[-1], by_rank=wanted.by_rank)
    found = await _found(reading, shown)
    return ops.RoomEventsResults(
        count=count,
        highlights=highlights(criteria.search_term, (each.json for each in found)),
        results=tuple(
            [await _result(reading, each, wanted, criteria) for each in found]
        ),
        next_batch=None if following is None else str(following),
        state=await _states(reading, found) if criteria.include_state else None,
        groups=_groups(criteria, found, following),
    )


async def _text_search(
    reading: Any, criteria: ops.RoomEventsCriteria, page: _Page
) -> TextSearch:
    passes = parse_types(criteria.filter)
    ignored = await reading.engine.unread.ignored(reading.caller.user)
    types = {_TYPES[key] for key in criteria.keys if key in _TYPES}
    return TextSearch(
        term=criteria.search_term,
        spans=await _spans(reading, passes),
        through=page.through,
        offset=page.offset,
        before=page.before,
        by_rank=criteria.order_by == "rank",
        types=[each for each in sorted(types) if passes.passes_type(each)],
        senders=passes.senders,
        not_senders=(*passes.not_senders, *sorted(ignored)),
        contains_url=passes.contains_url,
        related=passes.by_relation,
        related_rel_types=passes.related_by_rel_types,
        related_senders=passes.related_by_senders,
        in_room=RoomId(page.value) if page.key == "room_id" else None,
        by_sender=UserId(page.value) if page.key == "sender" else None,
    )


async def _spans(
    reading: Any, passes: EventFilter
) -> list[tuple[RoomId, int, int, int]]:
    """What the caller may see of the rooms they are or were in, and want searched."""
    caller, spans = reading.caller.user, []
    for row in await reading.store.memberships(caller):
        room_id = row.room_id
        if row.forgotten or not passes.passes_room(room_id):
            continue
        room = await reading.store.room(room_id)
        ranges = await reading.visible.ranges(room_id, caller, room.seq if room else 0)
        through = max((high for _, high in ranges), default=0)
        spans += [(room_id, low, high, through) for low, high in ranges]
    return spans


@frozen
class _Found:
    """A hit, the event, and how the caller sees it."""

    hit: TextHit
    event: SeenEvent
    json: JsonObject


async def _found(reading: Any, hits: Sequence[TextHit]) -> list[_Found]:
    by_pos: dict[int, _Found] = {}
    for room_id in dict.fromkeys(hit.room_id for hit in hits):
        there = {hit.seq: hit for hit in hits if hit.room_id == room_id}
        events = await reading.store.events_at(room_id, list(there))
        page = await reading.page(room_id, events)
        for event, json in zip(events, page, strict=True):
            by_pos[event.pos] = _Found(there[event.seq], event, json)
    return [by_pos[hit.pos] for hit in hits if hit.pos in by_pos]


async def _result(
    reading: Any, found: _Found, wanted: TextSearch, criteria: ops.RoomEventsCriteria
) -> ops.SearchResult:
    context = None
    if criteria.event_context is not None:
        context = await _context(reading, found.event, wanted, criteria.event_context)
    return ops.SearchResult(rank=found.hit.fit, result=found.json, context=context)


async def _context(
    reading: Any, event: SeenEvent, wanted: TextSearch, around: ops.WantedContext
) -> ops.ResultContext:
    room_id, seq, store = event.pdu.room_id, event.seq, reading.store
    ranges = [(low, high) for room, low, high, _ in wanted.spans if room == room_id]
    before = await store.events(
        room_id,
        before=seq,
        limit=_within(around.before_limit, MAX_CONTEXT),
        backwards=True,
        ranges=ranges,
    )
    after = await store.events(
        room_id,
        after=seq,
        limit=_within(around.after_limit, MAX_CONTEXT),
        ranges=ranges,
    )
    profiles = None
    if around.include_profile:
        profiles = await _profiles(reading, (*before, event, *after))
    return ops.ResultContext(
        start=history_token((before[-1].seq if before else seq) - 1),
        end=history_token(after[-1].seq if after else seq),
        events_before=await reading.page(room_id, before),
        events_after=await reading.page(room_id, after),
        profile_info=profiles,
    )


async def _profiles(
    reading: Any, events: Sequence[SeenEvent]
) -> dict[UserId, ops.SenderProfile]:
    """The senders' names and avatars when the last of the events was sent."""
    senders = {event.pdu.sender for event in events}
    last = max(event.seq for event in events)
    members = await reading.store.members_at(events[0].pdu.room_id, senders, last)
    return {
        UserId(member.pdu.state_key or ""): ops.SenderProfile(
            displayname=_text(member.pdu.content.get("displayname")),
            avatar_url=_text(member.pdu.content.get("avatar_url")),
        )
        for member in members
    }


async def _states(
    reading: Any, found: Sequence[_Found]
) -> dict[RoomId, tuple[JsonObject, ...]]:
    """The state of the rooms now, or as those who left saw it last."""
    states: dict[RoomId, tuple[JsonObject, ...]] = {}
    for room_id in dict.fromkeys(each.hit.room_id for each in found):
        try:
            last = await reading.visible.require_state(room_id, reading.caller.user)
        except MatrixError:  # one may see messages of a room that one has not joined
            continue
        state = await reading.store.state_at(room_id, last)
        states[room_id] = tuple(await reading.formats.client_events(state))
    return states


def _groups(
    criteria: ops.RoomEventsCriteria,
    found: Sequence[_Found],
    following: _Page | None,
) -> dict[str, dict[str, ops.ResultGroup]] | None:
    keys = [group.key for group in criteria.groupings.group_by]
    if not set(keys) <= {"room_id", "sender"}:
        raise MatrixError("M_INVALID_PARAM", "results group by room_id or sender")
    return {key: _grouped(key, found, following) for key in keys} or None


def _grouped(
    key: str, found: Sequence[_Found], following: _Page | None
) -> dict[str, ops.ResultGroup]:
    members: dict[str, list[EventId]] = {}
    for each in found:
        value: str = each.hit.room_id if key == "room_id" else each.hit.sender
        members.setdefault(value, []).append(each.event.pdu.event_id)
    groups: dict[str, ops.ResultGroup] = {}
    for order, (value, event_ids) in enumerate(members.items(), 1):
        next_batch = None
        if following is not None and following.key in (None, key):
            next_batch = str(evolve(following, key=key, value=value))
        groups[value] = ops.ResultGroup(
            results=tuple(event_ids), order=order, next_batch=next_batch
        )
    return groups


def _limit(json: JsonObject) -> int:
    limit = json.get("limit", 10)
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise MatrixError("M_BAD_JSON", "the filter's limit is not a number")
    return max(1, min(limit, MAX_RESULTS))


def _within(value: int, top: int) -> int:
    return max(0, min(value, top))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


HANDLERS: tuple[Handler, ...] = (Reads(ops.SEARCH_EVENTS, search_events),)
