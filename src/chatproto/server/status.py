"""Typing and presence while the server runs: noted, told, and ended in time."""

from __future__ import annotations

import trio
from attrs import define, field

from chatproto.decisions import SetTypingUntil
from chatproto.ids import UserId
from chatproto.ports import Clock
from chatproto.server.deliver import Delivery
from chatproto.server.presence import Ephemeral
from chatproto.server.subscriptions import Subscriptions

OFFLINE_AFTER_S = 20.0


@define(eq=False)
class Status:
    """Keeps `ephemeral`, and tells those whom a change concerns."""

    ephemeral: Ephemeral
    delivery: Delivery
    subscriptions: Subscriptions
    clock: Clock
    _timer: trio.Event = field(factory=trio.Event)

    def set_typing(self, effect: SetTypingUntil) -> None:
        room_id = effect.room_id
        if self.ephemeral.set_typing(room_id, effect.user_id, effect.until_ms):
            self.delivery.typing(room_id, self.ephemeral.typing(room_id))
        self._timer.set()

    def set_presence(
        self,
        user_id: UserId,
        presence: str,
        status_msg: str | None,
        expires_ms: int | None,
    ) -> None:
        """Note a user's presence and tell those who share a room."""
        now_ms = self.clock.now_ms()
        if self.ephemeral.set_presence(
            user_id,
            now_ms,
            presence=presence,
            status_msg=status_msg,
            status_expires_ms=expires_ms,
        ):
            shown = self.ephemeral.presence(user_id)
            self.delivery.presence(user_id, shown, now_ms)
        self._timer.set()

    def came_online(self, user_id: UserId) -> None:
        now = self.ephemeral.presence(user_id)
        if now.presence != "online":
            self.set_presence(user_id, "online", now.status_msg, now.status_expires_ms)

    def met(self, user_id: UserId) -> None:
        """Tell anew what a user's presence is, for others see them for the first time."""
        if self.ephemeral.touch(user_id):
            shown = self.ephemeral.presence(user_id)
            self.delivery.presence(user_id, shown, self.clock.now_ms())

    async def went_offline(self, user_id: UserId) -> None:
        """Note after a while that a user's last reader has gone, if none came back."""
        await trio.sleep(OFFLINE_AFTER_S)
        now = self.ephemeral.presence(user_id)
        if not self.subscriptions.is_reading(user_id) and now.presence != "offline":
            self.set_presence(user_id, "offline", now.status_msg, now.status_expires_ms)

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
            for user_id in self.ephemeral.expire_statuses(now_ms):
                shown = self.ephemeral.presence(user_id)
                self.delivery.presence(user_id, shown, now_ms)
