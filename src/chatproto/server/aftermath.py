"""What follows once a batch is on the disk: answers, news, effects, in that order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define, field

from chatproto.decisions import (
    CatchUp,
    EndSessions,
    SetTypingUntil,
    SetUserPresence,
    StartPushing,
)
from chatproto.errors import MatrixError
from chatproto.ids import UserId
from chatproto.ports import Broker, Transaction
from chatproto.server.callers import Callers
from chatproto.server.commit import Work
from chatproto.server.deliver import Delivery
from chatproto.server.extensions import Extensions
from chatproto.server.push.gateways import PushGateways
from chatproto.server.push_rules import RECOUNTING
from chatproto.server.rooms import RoomCache
from chatproto.server.status import Status
from chatproto.server.subscriptions import Subscriptions
from chatproto.server.tokens import Tickets
from chatproto.server.unread import UnreadCounts

if TYPE_CHECKING:
    from chatproto.server.appservices.links import Links

# The broker's topic: what has been committed.
COMMITTED = "committed"


@define(eq=False, kw_only=True)
class Aftermath:
    """Takes what the store reports; `committed` is the position up to where it has."""

    cache: RoomCache
    unread: UnreadCounts
    delivery: Delivery
    subscriptions: Subscriptions
    status: Status
    push: PushGateways
    extensions: Extensions
    callers: Callers
    tickets: Tickets
    broker: Broker | None
    start_soon: Callable[..., None]
    links: Links | None = None
    committed: int = 0
    _in_batch: bool = False
    _after_batch: dict[Callable[[], object], None] = field(factory=dict)

    def on_commit(
        self,
        batch: Sequence[Transaction],
        error: BaseException | None,
    ) -> None:
        works: list[Work] = [t.context for t in batch if t.context is not None]
        self._in_batch = True
        try:
            if error is not None:
                self._failed(works, error)
            elif works:
                self._deliver(works)
        finally:
            self._in_batch = False
            after, self._after_batch = self._after_batch, {}
            for function in after:
                function()

    def after_batch(self, function: Callable[[], object]) -> None:
        """Call once what is being delivered has been; at once if nothing is."""
        if self._in_batch:
            self._after_batch[function] = None
        else:
            function()

    def effects(self, work: Work) -> None:
        """What a decision does beside what is stored."""
        for effect in work.effects:
            match effect:
                case SetTypingUntil():
                    self.status.set_typing(effect)
                case SetUserPresence():
                    self.status.set_presence(effect)
                case StartPushing():
                    self.start_soon(self.push.load, effect.user_id)
                case CatchUp():
                    self.delivery.catch_up(effect.user_id, effect.device_id)
                case EndSessions():
                    self._end_sessions(effect)

    def _deliver(self, works: Sequence[Work]) -> None:
        self.committed = max([self.committed, *(work.pos for work in works)])
        for work in works:
            for live in work.rooms:
                live.pending -= 1
            for _, data in work.account_data:
                if data.type in RECOUNTING:
                    self.unread.forget(data.user_id)
            # An answer is queued before the news, and leaves in the same write.
            work.complete(work.reply, None)
        self.delivery.works(works)
        for work in works:
            self.effects(work)
            self._react(work)
            self._welcome(work)
        self.delivery.flush()
        self._tell_others(works)

    def _tell_others(self, works: Sequence[Work]) -> None:
        """Push gateways, application services, other processes."""
        self.push.note(works)
        heads = {a.event.pdu.room_id: a.event.seq for w in works for a in w.appended}
        if not heads:
            return
        if self.links is not None:
            self.links.wake()
        if self.broker is not None:
            message: dict[str, Any] = {"pos": self.committed, "rooms": heads}
            self.broker.publish(COMMITTED, message)

    def _welcome(self, work: Work) -> None:
        """Whoever comes into a room is seen there as what they are: online, away."""
        for appended in work.appended:
            pdu = appended.event.pdu
            is_new = appended.was is not None and appended.was != "join"
            if is_new and pdu.content.get("membership") == "join":
                self.start_soon(self.status.met, UserId(pdu.state_key or ""))

    def _react(self, work: Work) -> None:
        events = [appended.event for appended in work.appended]
        for reaction in self.extensions.reactions_to(events):
            self.start_soon(reaction)

    def _failed(self, works: Sequence[Work], error: BaseException) -> None:
        self.cache.clear()
        refusal = MatrixError(
            "M_UNAVAILABLE",
            "the server could not store this; nothing of it has happened",
            status=503,
            retry_after_ms=2000,
        )
        refusal.__cause__ = error
        for work in works:
            work.complete(None, refusal)

    def _end_sessions(self, effect: EndSessions) -> None:
        self.callers.forget(effect.user_id, partial(_ends, effect))
        self.tickets.revoke(effect.user_id)
        if self.push.serves(effect.user_id):
            self.start_soon(self.push.load, effect.user_id)
        for reader in self.subscriptions.of_user(effect.user_id):
            if _ends(effect, reader.device_id):
                reader.end("logged out")


def _ends(effect: EndSessions, device_id: str | None) -> bool:
    if effect.devices is not None:
        return device_id in effect.devices
    return effect.keep is None or device_id != effect.keep
