"""Calls that may be repeated: done once, answered the same as often as they come.

Whoever repeats a call while the first is on its way waits with it; later the stored
answer is given. The key is the device, the operation with all that its path names, and
the transaction ID (specification, "Transaction identifiers").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import trio
from attrs import define, field, frozen

from chatproto.decisions import Caller
from chatproto.errors import MatrixError
from chatproto.ids import DeviceId, UserId
from chatproto.operations.declare import Call, Operation
from chatproto.ports import Store, StoreTxn
from chatproto.server.outcome import RawReply

Complete: TypeAlias = Callable[[Any, BaseException | None], None]


@frozen
class OnceKey:
    """What makes two calls the same one."""

    user_id: UserId
    device_id: DeviceId
    scope: str
    txn_id: str

    def stored(self, reply: bytes, now_ms: int) -> StoreTxn:
        return StoreTxn(
            user_id=self.user_id,
            device_id=self.device_id,
            operation=self.scope,
            txn_id=self.txn_id,
            reply=reply,
            ts=now_ms,
        )


def once_key(
    operation: Operation, caller: Caller, request: Call[Any]
) -> OnceKey | None:
    """The key of a call; None if it may not be repeated."""
    if operation.once_by is None:
        return None
    device_id = caller.device_id
    if device_id is None:
        if caller.appservice is None:
            return None
        # It needs no device; what it repeats is known by its own name.
        device_id = DeviceId(f"appservice {caller.appservice}")
    txn_id = getattr(request, operation.once_by)
    named = (name for name in operation.path_fields if name != operation.once_by)
    scope = " ".join([operation.name, *(str(getattr(request, name)) for name in named)])
    return OnceKey(caller.user, device_id, scope, txn_id)


@define(eq=False)
class Once:
    """The calls on their way."""

    store: Store
    _waiting: dict[OnceKey, list[Complete]] = field(factory=dict)

    async def run(
        self,
        key: OnceKey,
        done: Complete,
        decide: Callable[[Complete], Awaitable[None]],
    ) -> None:
        """Have a call decided, unless it has been or is being; then wait with it."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append(done)
            return
        self._waiting[key] = waiting = [done]

        def all_done(reply: Any, error: BaseException | None) -> None:
            self._waiting.pop(key, None)
            for one in waiting:
                one(reply, error)

        # Others may wait with the one who called first, and whose line may break now.
        with trio.CancelScope(shield=True):
            try:
                stored = await self.store.txn_reply(
                    key.user_id, key.device_id, key.scope, key.txn_id
                )
                if stored is not None:
                    all_done(RawReply(stored), None)
                else:
                    await decide(all_done)
            except MatrixError as error:
                all_done(None, error)
            except BaseException:
                waiting.remove(done)
                all_done(None, _unavailable())
                raise


def _unavailable() -> MatrixError:
    return MatrixError("M_UNAVAILABLE", "this could not be decided; try again")
