"""Typing and presence while the server runs: noted, told, and ended in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import trio
from attrs import define, field

from chatproto.decisions import SetTypingUntil, SetUserPresence
from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.ports import Clock
from chatproto.server.deliver import Delivery
from chatproto.server.presence import Ephemeral
from chatproto.server.subscriptions import Subscriptions

OFFLINE_AFTER_S = 20.0
# So long a device counts as online that asked for news as such: longer than /sync waits.
ONLINE_FOR_MS = 90_000


@define(eq=False)
class Status:
    """Keeps `ephemeral`, and tells those whom a change concerns."""

    ephemeral: Ephemeral
    delivery: Delivery
    subscriptions: Subscriptions
    clock: Clock
    joined_rooms: Callable[[UserId], Awaitable[list[RoomId]]]
    _timer: trio.Event = field(factory=trio.Event)
    _online: dict[UserId, dict[DeviceId | None, int]] = field(factory=dict)

    def set_typing(self, effect: SetTypingUntil) -> None:
        room_id = effect.room_id
        if self.ephemeral.set_typing(room_id, effect.user_id, effect.until_ms):
            self.delivery.typing(room_id, self.ephemeral.typing(room_id))
        self._timer.set()

    def set_presence(self, effect: SetUserPresence) -> None:
        """Note a user's presence and tell those in the effect's rooms."""
        user_id, now_ms = effect.user_id, self.clock.now_ms()
        if self.ephemeral.set_presence(
            user_id,
            now_ms,
            presence=effect.presence,
            status_msg=effect.status_msg,
            status_expires_ms=effect.expires_ms,
        ):
            self._tell(user_id, effect.rooms)
        self._timer.set()

    async def came(
        self, user_id: UserId, device_id: DeviceId | None, presence: str
    ) -> None:
        """Note that a device reads, online or unavailable; the best of a user's devices
        counts.
        """
        now_ms = self.clock.now_ms()
        online = self._online.setdefault(user_id, {})
        if presence == "online":
            online[device_id] = now_ms
        else:
            online.pop(device_id, None)
        since_ms = now_ms - ONLINE_FOR_MS
        if any(at_ms > since_ms for at_ms in online.values()):
            presence = "online"
        await self._turn(user_id, presence)

    async def went_offline(self, user_id: UserId) -> None:
        """Note after a while that a user's last reader has gone, if none came back."""
        await trio.sleep(OFFLINE_AFTER_S)
        if not self.subscriptions.is_reading(user_id):
            self._online.pop(user_id, None)
            await self._turn(user_id, "offline")

    async def met(self, user_id: UserId) -> None:
        """Tell anew what a user's presence is, for others see them for the first time."""
        rooms = await self.joined_rooms(user_id)
        if self.ephemeral.touch(user_id):
            self._tell(user_id, rooms)

    async def run(self) -> None:
        """Tell when someone has stopped writing or a status text has ended."""
        while True:
            self._timer = trio.Event()
            due = self.ephemeral.next_expiry()
            wait_s = 3600.0
            if due is not None:
                wait_s = max(0.0, (due - self.clock.now_ms()) / 1000)
            with trio.move_on_after(wait_s):
                await self._timer.wait()
            now_ms = self.clock.now_ms()
            for room_id in self.ephemeral.expire_typing(now_ms):
                self.delivery.typing(room_id, self.ephemeral.typing(room_id))
            for user_id in self.ephemeral.late_statuses(now_ms):
                rooms = await self.joined_rooms(user_id)
                if self.ephemeral.expire_status(user_id, now_ms):
                    self._tell(user_id, rooms)

    async def _turn(self, user_id: UserId, presence: str) -> None:
        # What is counted as news has to be told at once, so the rooms come first.
        rooms = tuple(await self.joined_rooms(user_id))
        # Who reads for a moment only has been here as well, and leaves a while later.
        if presence == "offline" and self.subscriptions.is_reading(user_id):
            return
        now = self.ephemeral.presence(user_id)
        if now.presence != presence:
            effect = SetUserPresence(
                user_id=user_id,
                presence=presence,
                status_msg=now.status_msg,
                expires_ms=now.status_expires_ms,
                rooms=rooms,
            )
            self.set_presence(effect)

    def _tell(self, user_id: UserId, rooms: Iterable[RoomId]) -> None:
        shown = self.ephemeral.presence(user_id)
        self.delivery.presence(user_id, shown, self.clock.now_ms(), rooms)
