"""What a reader wants of a sync body: Matrix's filters, as far as they are applied."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.errors import MatrixError
from chatproto.ids import UserId

MAX_TIMELINE = 100
_STEPS = re.compile(r"(?:[^.\\]|\\.)+")


@frozen(kw_only=True)
class EventFilter:
    """Which events pass; None lets all pass. In types, `*` stands for anything."""

    types: tuple[str, ...] | None = None
    not_types: tuple[str, ...] = ()
    senders: tuple[str, ...] | None = None
    not_senders: tuple[str, ...] = ()
    rooms: tuple[str, ...] | None = None
    not_rooms: tuple[str, ...] = ()
    contains_url: bool | None = None
    related_by_rel_types: tuple[str, ...] | None = None
    related_by_senders: tuple[str, ...] | None = None

    def passes(self, event: JsonObject) -> bool:
        kind, sender = str(event.get("type")), event.get("sender")
        if not self.passes_type(kind):
            return False
        if self.senders is not None and sender not in self.senders:
            return False
        if sender in self.not_senders:
            return False
        return self.contains_url in (None, _has_url(event))

    def passes_type(self, kind: str) -> bool:
        wanted = self.types is None or _any(self.types, kind)
        return wanted and not _any(self.not_types, kind)

    def passes_room(self, room_id: str) -> bool:
        return _is_among(room_id, self.rooms, self.not_rooms)

    @property
    def by_relation(self) -> bool:
        return not (self.related_by_rel_types is self.related_by_senders is None)

    def passes_relations(self, relating: Iterable[tuple[str, str]]) -> bool:
        """Whether an event passes to which others relate: (rel_type, sender)."""
        kinds, senders = self.related_by_rel_types, self.related_by_senders
        return any(
            (kinds is None or kind in kinds) and (senders is None or sender in senders)
            for kind, sender in relating
        )

    @property
    def passes_nothing(self) -> bool:
        return self.types == ()


ALL = EventFilter()


@frozen(kw_only=True)
class SyncFilter:
    """How a sync body is made.

    `state_after` puts the state at the timeline's end, `bundles` has events carry what
    relates to them, `thread_counts` counts what is unread by thread, `ignored`
    are users whose messages are left out.
    """

    timeline_limit: int = 20
    lazy_members: bool = False
    state_after: bool = False
    full_state: bool = False
    include_leave: bool = False
    bundles: bool = False
    thread_counts: bool = False
    fields: tuple[tuple[str, ...], ...] = ()
    ignored: frozenset[UserId] = frozenset()
    rooms: tuple[str, ...] | None = None
    not_rooms: tuple[str, ...] = ()
    timeline: EventFilter = ALL
    state: EventFilter = ALL
    ephemeral: EventFilter = ALL
    room_account_data: EventFilter = ALL
    account_data: EventFilter = ALL
    presence: EventFilter = ALL

    def wants_room(self, room_id: str) -> bool:
        return _is_among(room_id, self.rooms, self.not_rooms)

    def passed_state(
        self, room_id: str, events: Iterable[JsonObject]
    ) -> list[JsonObject]:
        """The events that belong into a section's state."""
        if self.state is ALL and not self.fields:
            return list(events)
        if not self.state.passes_room(room_id):
            return []
        return [self.trimmed(event) for event in events if self.state.passes(event)]

    def trimmed(self, event: JsonObject) -> JsonObject:
        """An event with the fields that are wanted, all if none are named."""
        if not self.fields:
            return event
        kept: JsonObject = {}
        for path in self.fields:
            _copy(path, event, kept)
        return kept


def parse_filter(
    json: JsonObject, *, state_after: bool, full_state: bool
) -> SyncFilter:
    """Read a filter of the Matrix specification. Raises MatrixError M_BAD_JSON."""
    room = _object(json, "room")
    timeline, state = _object(room, "timeline"), _object(room, "state")
    limit = timeline.get("limit", 20)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise MatrixError("M_BAD_JSON", "room.timeline.limit is not a number of events")
    lazy = bool(
        state.get("lazy_load_members") or timeline.get("lazy_load_members"),
    )
    return SyncFilter(
        timeline_limit=min(limit, MAX_TIMELINE),
        lazy_members=lazy,
        state_after=state_after,
        full_state=full_state,
        include_leave=room.get("include_leave") is True,
        bundles=True,
        thread_counts=timeline.get("unread_thread_notifications") is True,
        fields=_fields(json),
        rooms=_names(room, "rooms"),
        not_rooms=_names(room, "not_rooms") or (),
        timeline=parse_types(timeline),
        state=parse_types(state),
        ephemeral=parse_types(_object(room, "ephemeral")),
        room_account_data=parse_types(_object(room, "account_data")),
        account_data=parse_types(_object(json, "account_data")),
        presence=parse_types(_object(json, "presence")),
    )


def parse_types(json: JsonObject) -> EventFilter:
    found = EventFilter(
        types=_names(json, "types"),
        not_types=_names(json, "not_types") or (),
        senders=_names(json, "senders"),
        not_senders=_names(json, "not_senders") or (),
        rooms=_names(json, "rooms"),
        not_rooms=_names(json, "not_rooms") or (),
        contains_url=_flag(json, "contains_url"),
        related_by_rel_types=_names(json, "related_by_rel_types"),
        related_by_senders=_names(json, "related_by_senders"),
    )
    return ALL if found == ALL else found


def _object(json: JsonObject, key: str) -> JsonObject:
    value = json.get(key, {})
    if not isinstance(value, dict):
        raise MatrixError("M_BAD_JSON", f"the filter's {key} is not an object")
    return value


def _names(json: JsonObject, key: str) -> tuple[str, ...] | None:
    value = json.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise MatrixError("M_BAD_JSON", f"the filter's {key} is not a list of strings")
    return tuple(value)


def _flag(json: JsonObject, key: str) -> bool | None:
    value = json.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise MatrixError("M_BAD_JSON", f"the filter's {key} is not true or false")


def _fields(json: JsonObject) -> tuple[tuple[str, ...], ...]:
    """Paths into an event: dots part their steps, a backslash makes one part of a name."""
    names = _names(json, "event_fields") or ()
    return tuple(
        tuple(re.sub(r"\\([.\\])", r"\1", step) for step in _STEPS.findall(name))
        for name in names
    )


def _copy(path: tuple[str, ...], source: JsonObject, target: JsonObject) -> None:
    *steps, last = path or ("",)
    for step in steps:
        inner = source.get(step)
        if not isinstance(inner, dict):
            return
        source, target = inner, target.setdefault(step, {})
    if last in source:
        target[last] = source[last]


def _is_among(
    name: str, wanted: tuple[str, ...] | None, unwanted: tuple[str, ...]
) -> bool:
    return (wanted is None or name in wanted) and name not in unwanted


def _has_url(event: JsonObject) -> bool:
    content = event.get("content")
    return isinstance(content, dict) and isinstance(content.get("url"), str)


def _any(patterns: tuple[str, ...], text: str) -> bool:
    # Only `*` is special in a Matrix filter; escape what fnmatch would add to it.
    return any(
        fnmatchcase(text, p.replace("[", "[[]").replace("?", "[?]")) for p in patterns
    )
