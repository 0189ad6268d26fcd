"""What a reader wants of a sync body: Matrix's filters, as far as they are applied."""

from __future__ import annotations

from fnmatch import fnmatchcase

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.errors import MatrixError

MAX_TIMELINE = 100


@frozen(kw_only=True)
class TypeFilter:
    """Which events pass, by type (with `*`) and sender; None lets all pass."""

    types: tuple[str, ...] | None = None
    not_types: tuple[str, ...] = ()
    senders: tuple[str, ...] | None = None
    not_senders: tuple[str, ...] = ()

    def passes(self, event: JsonObject) -> bool:
        kind, sender = str(event.get("type")), event.get("sender")
        if self.types is not None and not _any(self.types, kind):
            return False
        if self.senders is not None and sender not in self.senders:
            return False
        return not _any(self.not_types, kind) and sender not in self.not_senders

    @property
    def passes_nothing(self) -> bool:
        return self.types == ()


ALL = TypeFilter()


@frozen(kw_only=True)
class SyncFilter:
    """How a sync body is made. `state_after` puts the state at the timeline's end."""

    timeline_limit: int = 20
    lazy_members: bool = False
    state_after: bool = False
    full_state: bool = False
    include_leave: bool = False
    rooms: tuple[str, ...] | None = None
    not_rooms: tuple[str, ...] = ()
    timeline: TypeFilter = ALL
    state: TypeFilter = ALL
    ephemeral: TypeFilter = ALL
    room_account_data: TypeFilter = ALL
    account_data: TypeFilter = ALL
    presence: TypeFilter = ALL

    def wants_room(self, room_id: str) -> bool:
        if self.rooms is not None and room_id not in self.rooms:
            return False
        return room_id not in self.not_rooms


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
        include_leave=bool(room.get("include_leave")),
        rooms=_names(room, "rooms"),
        not_rooms=_names(room, "not_rooms") or (),
        timeline=parse_types(timeline),
        state=parse_types(state),
        ephemeral=parse_types(_object(room, "ephemeral")),
        room_account_data=parse_types(_object(room, "account_data")),
        account_data=parse_types(_object(json, "account_data")),
        presence=parse_types(_object(json, "presence")),
    )


def parse_types(json: JsonObject) -> TypeFilter:
    return TypeFilter(
        types=_names(json, "types"),
        not_types=_names(json, "not_types") or (),
        senders=_names(json, "senders"),
        not_senders=_names(json, "not_senders") or (),
    )


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


def _any(patterns: tuple[str, ...], text: str) -> bool:
    # Only `*` is special in a Matrix filter; escape what fnmatch would add to it.
    return any(
        fnmatchcase(text, p.replace("[", "[[]").replace("?", "[?]")) for p in patterns
    )
