"""What a client wants to know of a room: how many events, and which state."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from chatproto.errors import MatrixError
from chatproto.ids import UserId
from chatproto.operations.sliding_sync import RequiredState, StateMatch
from chatproto.server.filters import MAX_TIMELINE

MAX_STATE = 250
ANYTHING = "*"
_MEMBER = "m.room.member"


@frozen
class StatePattern:
    """Matches pieces of state; `*` matches every type, or every state key.

    `but` are those that it does not match. Where members are told as they speak, `*`
    does not match them.
    """

    type: str
    state_key: str
    skips_members: bool = False
    but: frozenset[StatePattern] = frozenset()

    def matches(self, event_type: str, state_key: str) -> bool:
        if self.skips_members and event_type == _MEMBER:
            return False
        return (
            self.type in (ANYTHING, event_type)
            and self.state_key in (ANYTHING, state_key)
            and not any(p.matches(event_type, state_key) for p in self.but)
        )

    @property
    def is_exact(self) -> bool:
        return ANYTHING not in (self.type, self.state_key)


@frozen
class WantedState:
    """Which state is wanted; with `lazy_members`, also of those who speak."""

    patterns: frozenset[StatePattern] = frozenset()
    lazy_members: bool = False

    def matches(self, event_type: str, state_key: str) -> bool:
        return any(pattern.matches(event_type, state_key) for pattern in self.patterns)

    @property
    def exact(self) -> list[tuple[str, str]] | None:
        """All that can match, if that can be told without the room's state."""
        if not all(pattern.is_exact for pattern in self.patterns):
            return None
        return sorted({(p.type, p.state_key) for p in self.patterns})

    def __or__(self, other: WantedState) -> WantedState:
        return WantedState(
            self.patterns | other.patterns, self.lazy_members or other.lazy_members
        )


@frozen
class RoomWanted:
    """What is wanted of one room."""

    timeline_limit: int
    state: WantedState

    def __or__(self, other: RoomWanted) -> RoomWanted:
        """All that either wants (MSC4186, "Combining room configs")."""
        if self == other:
            return self
        limit = max(self.timeline_limit, other.timeline_limit)
        return RoomWanted(limit, self.state | other.state)


def room_wanted(
    timeline_limit: int,
    required_state: Iterable[tuple[str, ...]],
    user_id: UserId,
) -> RoomWanted:
    """Read what is asked of rooms. Raises MatrixError M_INVALID_PARAM."""
    pairs = list(required_state)
    if any(len(pair) != 2 for pair in pairs):
        message = "required_state has pairs of type and state key"
        raise MatrixError("M_INVALID_PARAM", message)
    patterns = [
        StatePattern(event_type, str(user_id) if state_key == "$ME" else state_key)
        for event_type, state_key in pairs
        if state_key != "$LAZY"
    ]
    lazy = (_MEMBER, "$LAZY") in pairs
    return RoomWanted(_limited(timeline_limit), _state(patterns, lazy_members=lazy))


def room_wanted_v4(timeline_limit: int, state: RequiredState) -> RoomWanted:
    """Read what is asked of rooms in the last names. Raises MatrixError."""
    but = frozenset(map(_pattern, state.exclude))
    if len(but) > MAX_STATE:
        raise _too_much()
    patterns = [evolve(_pattern(match), but=but) for match in state.include]
    wanted = _state(patterns, lazy_members=state.lazy_members)
    return RoomWanted(_limited(timeline_limit), wanted)


def _pattern(match: StateMatch) -> StatePattern:
    key = ANYTHING if match.state_key is None else match.state_key
    return StatePattern(ANYTHING if match.type is None else match.type, key)


def _state(patterns: Iterable[StatePattern], *, lazy_members: bool) -> WantedState:
    read = frozenset(
        evolve(p, skips_members=lazy_members and not p.is_exact) for p in patterns
    )
    if len(read) > MAX_STATE:
        raise _too_much()
    return WantedState(read, lazy_members)


def _limited(timeline_limit: int) -> int:
    if timeline_limit < 0:
        raise MatrixError("M_INVALID_PARAM", "timeline_limit is negative")
    return min(timeline_limit, MAX_TIMELINE)


def _too_much() -> MatrixError:
    return MatrixError("M_INVALID_PARAM", f"required_state has over {MAX_STATE}")
