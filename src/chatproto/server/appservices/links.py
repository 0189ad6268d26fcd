"""What goes out to all application services of a server that have an address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self, TypeAlias

import trio
from attrs import frozen

from chatproto.decisions import Caller, Decision, Find
from chatproto.errors import MatrixError
from chatproto.operations.declare import Call
from chatproto.operations.profiles import GetAvatarUrl, GetDisplayName, GetProfile
from chatproto.operations.rooms import (
    CreateRoom,
    Invite,
    JoinByIdOrAlias,
    KnockRoom,
    OpenDirectChat,
    ResolveAlias,
)
from chatproto.ports import Clock, Store
from chatproto.server.appservices.asking import Asking
from chatproto.server.appservices.overheard import Ears
from chatproto.server.appservices.pushing import Pushing
from chatproto.server.appservices.services import Appservices
from chatproto.server.client_format import Formats
from chatproto.server.outbound import guarded_client
from chatproto.server.reach import Reach, parse_networks

# Its operator says where a service is, in whatever network that may be.
_ANYWHERE = Reach(networks=parse_networks(("0.0.0.0/0", "::/0")))
_MAX_ANSWER = 64 * 1024
_MAX_ASKED = 20

_Commit: TypeAlias = Callable[[Decision], Awaitable[Any]]


@frozen(eq=False)
class Links:
    """Tells services what happens, and asks them what they have."""

    services: Appservices
    store: Store
    asking: Asking
    pushing: dict[str, Pushing]

    @classmethod
    def over(
        cls,
        services: Appservices,
        store: Store,
        formats: Formats,
        clock: Clock,
        *,
        commit: _Commit,
        committed: Callable[[], int],
    ) -> Self:
        client = guarded_client(_ANYWHERE, max_bytes=_MAX_ANSWER, step_seconds=60)
        pushing = {
            claims.registration.id: Pushing(
                claims, store, formats, commit, committed, clock.now_ms, client
            )
            for claims in services
            if claims.registration.url is not None
        }
        return cls(services, store, Asking(client), pushing)

    @property
    def ears(self) -> list[Ears]:
        return [one.ears for one in self.pushing.values() if one.ears is not None]

    async def run(self) -> None:
        async with self.asking.client, trio.open_nursery() as nursery:
            for one in self.pushing.values():
                nursery.start_soon(one.run)

    def wake(self) -> None:
        """There are new events."""
        for one in self.pushing.values():
            one.wake()

    async def ping(self, caller: Caller, name: str, txn_id: str | None) -> int:
        """How many milliseconds a service took to answer. Raises MatrixError."""
        claims = self.services.claims.get(name)
        if claims is None or caller.appservice != name:
            raise MatrixError("M_FORBIDDEN", "only the service itself may ask for this")
        taken_ms = await self.asking.ping(claims.registration, txn_id)
        self.pushing[name].try_again()
        return taken_ms

    async def ask_about(self, caller: Caller, request: Call[Any]) -> None:
        """Have services make the users and rooms that a call names for the first time."""
        users, aliases = _named(request)
        for user_id in list(users)[:_MAX_ASKED]:
            await self._ask_user(caller, user_id)
        for alias in aliases:
            await self._ask_alias(caller, alias)

    async def _ask_user(self, caller: Caller, user_id: str) -> None:
        for claims in self.services:
            own = claims.registration.id == caller.appservice
            if own or claims.registration.url is None or not claims.has_user(user_id):
                continue
            find = Find(table="users", where={"user_id": user_id})
            if await self.store.find(find):
                return
            if await self.asking.has_user(claims.registration, user_id):
                return

    async def _ask_alias(self, caller: Caller, alias: str) -> None:
        for claims in self.services:
            own = claims.registration.id == caller.appservice
            if own or claims.registration.url is None or not claims.has_alias(alias):
                continue
            if await self.store.find(Find(table="aliases", where={"alias": alias})):
                return
            if await self.asking.has_alias(claims.registration, alias):
                return


def _named(request: Call[Any]) -> tuple[Iterable[str], Iterable[str]]:
    """The users and the aliases that a call names."""
    match request:
        case (
            GetProfile(user_id=user_id)
            | GetDisplayName(user_id=user_id)
            | GetAvatarUrl(user_id=user_id)
            | Invite(user_id=user_id)
            | OpenDirectChat(user_id=user_id)
        ):
            return (user_id,), ()
        case CreateRoom(invite=invited):
            return invited, ()
        case ResolveAlias(room_alias=alias):
            return (), (alias,)
        case JoinByIdOrAlias(id_or_alias=name) | KnockRoom(id_or_alias=name):
            return (), (name,) if name.startswith("#") else ()
        case _:
            return (), ()
