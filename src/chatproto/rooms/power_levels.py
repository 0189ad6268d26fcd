"""Who may do what (specification, "m.room.power_levels" and its defaults)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from chatproto.canonical import JsonObject, object_of
from chatproto.events.envelope import Pdu
from chatproto.ids import UserId
from chatproto.rooms.state import RoomState
from chatproto.rooms.version import RoomVersion

DEFAULTS: Mapping[str, int] = {
    "users_default": 0,
    "events_default": 0,
    "state_default": 50,
    "ban": 50,
    "kick": 50,
    "redact": 50,
    "invite": 0,
}
ROOM_NOTIFICATION = 50


@frozen(eq=False)
class PowerLevels:
    """The levels of one state; `creator` has 100 where no event sets them."""

    content: JsonObject | None
    creator: UserId | None

    @classmethod
    def of(cls, state: RoomState, version: RoomVersion) -> PowerLevels:
        """The levels in force, kept with the state."""
        known = state.levels
        if isinstance(known, PowerLevels):
            return known
        event = state.get("m.room.power_levels")
        creator = None if state.create is None else creator_of(state.create, version)
        levels = cls(None if event is None else event.content, creator)
        state.levels = levels
        return levels

    def user(self, user_id: str) -> int:
        if self.content is None:
            return 100 if user_id == self.creator else 0
        users = self._entries("users")
        if user_id in users:
            return _integer(users[user_id], 0)
        return self._scalar("users_default")

    def required(self, event_type: str, *, is_state: bool) -> int:
        """The level that sending such an event needs."""
        default = self._scalar("state_default" if is_state else "events_default")
        events = self._entries("events")
        if event_type in events:
            return _integer(events[event_type], default)
        return default

    def notification(self, name: str) -> int:
        """The level that a notification such as "room" needs."""
        levels = self._entries("notifications")
        if name in levels:
            return _integer(levels[name], ROOM_NOTIFICATION)
        return ROOM_NOTIFICATION

    @property
    def ban(self) -> int:
        return self._scalar("ban")

    @property
    def kick(self) -> int:
        return self._scalar("kick")

    @property
    def redact(self) -> int:
        return self._scalar("redact")

    @property
    def invite(self) -> int:
        return self._scalar("invite")

    def _entries(self, name: str) -> JsonObject:
        return {} if self.content is None else object_of(self.content.get(name))

    def _scalar(self, name: str) -> int:
        default = DEFAULTS[name]
        if self.content is None:
            return default
        return _integer(self.content.get(name, default), default)


def creator_of(create: Pdu, version: RoomVersion) -> UserId:
    if version.creator_in_content:
        return UserId(str(create.content.get("creator", create.sender)))
    return create.sender


def _integer(value: Any, default: int) -> int:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return value if is_integer else default
