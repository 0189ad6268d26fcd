"""The state of a room: for each type and state key the event that set it last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from chatproto.canonical import JsonObject
from chatproto.events.envelope import Pdu
from chatproto.ids import UserId

StateKey: TypeAlias = tuple[str, str]
Members: TypeAlias = dict[str, dict[UserId, None]]


class RoomState:
    """An immutable state; `apply` makes the next one.

    `levels` is a place where the power levels of this state may be kept, for they are
    asked for with every event.
    """

    __slots__ = ("_events", "_members", "levels")

    def __init__(self, events: Mapping[StateKey, Pdu]) -> None:
        self._events = events
        self._members: Members | None = None
        self.levels: object | None = None

    @classmethod
    def empty(cls) -> RoomState:
        return cls({})

    @classmethod
    def of(cls, pdus: Iterable[Pdu]) -> RoomState:
        """The state of events that set it, in order."""
        return cls({(p.type, p.state_key): p for p in pdus if p.state_key is not None})

    def apply(self, pdu: Pdu) -> RoomState:
        """The state after an event: itself, unless the event sets state."""
        if pdu.state_key is None:
            return self
        state = RoomState({**self._events, (pdu.type, pdu.state_key): pdu})
        if pdu.type not in ("m.room.power_levels", "m.room.create"):
            state.levels = self.levels
        if pdu.type != "m.room.member":
            state._members = self._members
        elif self._members is not None:
            state._members = self._moved(UserId(pdu.state_key), _membership(pdu))
        return state

    def get(self, event_type: str, state_key: str = "") -> Pdu | None:
        return self._events.get((event_type, state_key))

    def content(self, event_type: str, state_key: str = "") -> JsonObject:
        """The content of a piece of state; empty if there is none."""
        pdu = self._events.get((event_type, state_key))
        return {} if pdu is None else pdu.content

    def membership(self, user_id: str) -> str:
        """Where a user stands; "leave" for one who was never there."""
        pdu = self._events.get(("m.room.member", user_id))
        return "leave" if pdu is None else _membership(pdu)

    def members(self, membership: str = "join") -> list[UserId]:
        """The users of one membership, in the order in which they came to it."""
        if self._members is None:
            self._members = {}
            for (event_type, user_id), pdu in self._events.items():
                if event_type == "m.room.member":
                    them = self._members.setdefault(_membership(pdu), {})
                    them[UserId(user_id)] = None
        return list(self._members.get(membership, ()))

    def _moved(self, user_id: UserId, membership: str) -> Members:
        """The members when one of them has another membership."""
        members = dict(self._members or {})
        former = self.membership(user_id)
        if former != membership and user_id in members.get(former, ()):
            rest = dict(members[former])
            del rest[user_id]
            members[former] = rest
        members[membership] = {**members.get(membership, {}), user_id: None}
        return members

    @property
    def create(self) -> Pdu | None:
        return self.get("m.room.create")

    @property
    def join_rule(self) -> str:
        return str(self.content("m.room.join_rules").get("join_rule", "invite"))

    @property
    def history_visibility(self) -> str:
        content = self.content("m.room.history_visibility")
        return str(content.get("history_visibility", "shared"))

    def events(self) -> Iterable[Pdu]:
        return self._events.values()

    def __len__(self) -> int:
        return len(self._events)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RoomState):
            return NotImplemented
        return self._ids() == other._ids()

    __hash__ = None  # type: ignore[assignment]  # equal by its events, as dicts are

    def _ids(self) -> dict[StateKey, str]:
        return {key: pdu.event_id for key, pdu in self._events.items()}


def _membership(pdu: Pdu) -> str:
    return str(pdu.content.get("membership", "leave"))
