"""What has to be there before an application service calls first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from chatproto.decisions import Caller, Decision, Find, Put
from chatproto.ports import Store
from chatproto.server.appservices.services import Appservices
from chatproto.server.handlers.sessions import user_row


async def make_known(
    services: Appservices,
    store: Store,
    now_ms: int,
    commit: Callable[[Caller, Decision], Awaitable[Any]],
) -> None:
    """Make the users that services act as, as far as they are not there."""
    for service in services:
        where = {"user_id": service.sender}
        if not await store.find(Find(table="users", where=where)):
            row = user_row(service.sender, password_hash=None, now_ms=now_ms)
            await commit(Caller(), Decision(writes=(Put(table="users", row=row),)))
