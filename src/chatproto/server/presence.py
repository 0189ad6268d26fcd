"""What is not stored: who is writing, who is there. Time is an argument."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, evolve, field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import RoomId, UserId

MAX_TYPING_MS = 60_000


@frozen
class Presence:
    """`presence` is online, unavailable or offline."""

    presence: str = "offline"
    status_msg: str | None = None
    status_expires_ms: int | None = None
    last_active_ms: int = 0
    eph: int = 0

    def content(self, now_ms: int) -> JsonObject:
        content: JsonObject = {"presence": self.presence}
        if self.status_msg:
            content["status_msg"] = self.status_msg
        if self.last_active_ms:
            content["last_active_ago"] = max(0, now_ms - self.last_active_ms)
        if self.status_msg and self.status_expires_ms is not None:
            content["org.chatproto.expires_in_ms"] = max(
                0, self.status_expires_ms - now_ms
            )
        content["currently_active"] = self.presence == "online"
        return content


def _shown(presence: Presence) -> tuple[str, str | None, int | None]:
    return presence.presence, presence.status_msg, presence.status_expires_ms


def _is_late(presence: Presence, now_ms: int) -> bool:
    expires_ms = presence.status_expires_ms
    return expires_ms is not None and expires_ms <= now_ms


@define
class Ephemeral:
    """Typing and presence of a running server, counted by `eph`."""

    eph: int = 0
    now_ms: int = 0  # the newest time it has been told
    _typing: dict[RoomId, dict[UserId, int]] = field(factory=dict)
    _typing_eph: dict[RoomId, int] = field(factory=dict)
    _presence: dict[UserId, Presence] = field(factory=dict)

    def set_typing(
        self, room_id: RoomId, user_id: UserId, until_ms: int | None
    ) -> bool:
        """Whether the list of those who write has changed."""
        users = self._typing.setdefault(room_id, {})
        was = user_id in users
        if until_ms is None:
            users.pop(user_id, None)
        else:
            users[user_id] = until_ms
        return was != (until_ms is not None) and self._typing_changed(room_id)

    def expire_typing(self, now_ms: int) -> list[RoomId]:
        """The rooms in which someone has stopped writing by now."""
        changed = []
        for room_id, users in list(self._typing.items()):
            late = [user for user, until in users.items() if until <= now_ms]
            for user in late:
                del users[user]
            if late and self._typing_changed(room_id):
                changed.append(room_id)
            if not users:
                del self._typing[room_id]
        return changed

    def next_expiry(self) -> int | None:
        times = [until for users in self._typing.values() for until in users.values()]
        times += [
            p.status_expires_ms
            for p in self._presence.values()
            if p.status_expires_ms is not None
        ]
        return min(times, default=None)

    def typing(self, room_id: RoomId) -> list[UserId]:
        return sorted(self._typing.get(room_id, ()))

    def typing_since(self, room_id: RoomId, eph: int) -> bool:
        return self._typing_eph.get(room_id, 0) > eph

    def presence(self, user_id: UserId) -> Presence:
        return self._presence.get(user_id, Presence())

    def set_presence(
        self,
        user_id: UserId,
        now_ms: int,
        *,
        presence: str,
        status_msg: str | None,
        status_expires_ms: int | None,
    ) -> bool:
        """Whether anything that others see has changed."""
        self.now_ms = max(self.now_ms, now_ms)
        old = self.presence(user_id)
        new = evolve(
            old,
            presence=presence,
            status_msg=status_msg,
            status_expires_ms=status_expires_ms,
            last_active_ms=now_ms if presence == "online" else old.last_active_ms,
        )
        changed = _shown(old) != _shown(new)
        if changed:
            self.eph += 1
            new = evolve(new, eph=self.eph)
        self._presence[user_id] = new
        return changed

    def restore(self, user_id: UserId, status_msg: str, expires_ms: int | None) -> None:
        """Take over a status text that was stored."""
        self.eph += 1
        self._presence[user_id] = Presence(
            status_msg=status_msg, status_expires_ms=expires_ms, eph=self.eph
        )

    def touch(self, user_id: UserId) -> bool:
        """Count a user's presence as news; false if nothing is known of it."""
        known = self._presence.get(user_id)
        if known is None:
            return False
        self.eph += 1
        self._presence[user_id] = evolve(known, eph=self.eph)
        return True

    def late_statuses(self, now_ms: int) -> list[UserId]:
        """The users whose status text has ended by now."""
        return [user for user, p in self._presence.items() if _is_late(p, now_ms)]

    def expire_status(self, user_id: UserId, now_ms: int) -> bool:
        """Take away a status text that has ended by now; whether there was one."""
        known = self._presence.get(user_id)
        if known is None or not _is_late(known, now_ms):
            return False
        self.eph += 1
        ended = evolve(known, status_msg=None, status_expires_ms=None, eph=self.eph)
        self._presence[user_id] = ended
        return True

    def presence_since(
        self,
        users: Iterable[UserId],
        eph: int,
    ) -> list[tuple[UserId, Presence]]:
        found = ((user, self._presence.get(user)) for user in users)
        return [(user, p) for user, p in found if p is not None and p.eph > eph]

    def _typing_changed(self, room_id: RoomId) -> bool:
        self.eph += 1
        self._typing_eph[room_id] = self.eph
        return True
