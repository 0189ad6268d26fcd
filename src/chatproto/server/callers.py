"""Who calls: access tokens looked up once, and remembered until they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import define, field

from chatproto.decisions import Caller, Delete, Find, Row
from chatproto.errors import MatrixError
from chatproto.ids import DeviceId, UserId
from chatproto.ports import Store, Transaction
from chatproto.server.tokens import (
    KIND_ACCESS,
    KIND_OUTGOING,
    KIND_REPLACED,
    hash_token,
)

MAX_CACHED_TOKENS = 20_000

# With the time at which the token expires, in milliseconds since the epoch.
_Known: TypeAlias = tuple[Caller, int | None]


@define(eq=False)
class Callers:
    """The callers behind access tokens."""

    store: Store
    _known: dict[str, _Known] = field(factory=dict)

    async def authenticate(self, token: str, now_ms: int) -> Caller:
        """The caller with this access token. Raises MatrixError M_UNKNOWN_TOKEN."""
        hashed = hash_token(token)
        known = self._known.get(hashed)
        if known is None:
            known = await self._look_up(hashed)
        caller, expires_ms = known
        if expires_ms is not None and expires_ms <= now_ms:
            raise MatrixError(
                "M_UNKNOWN_TOKEN",
                "the access token has expired; refresh it",
                extra={"soft_logout": True},
            )
        return caller

    def forget(self, user_id: UserId, ends: Callable[[DeviceId | None], bool]) -> None:
        """Forget the tokens of those of a user's devices whose sessions end."""
        for hashed, (caller, _) in list(self._known.items()):
            if caller.user_id == user_id and ends(caller.device_id):
                del self._known[hashed]

    async def _arrived(self, token: Row) -> None:
        """New tokens are in use: the refresh token that gave them is worth nothing."""
        where = {
            "user_id": token["user_id"],
            "device_id": token["device_id"],
            "kind": KIND_REPLACED,
        }
        if await self.store.find(Find(table="tokens", where=where, limit=1)):
            delete = Delete(table="tokens", where=where)
            self.store.submit(Transaction(writes=[delete]))

    async def _look_up(self, hashed: str) -> _Known:
        where = {"token_hash": hashed}
        rows = await self.store.find(Find(table="tokens", where=where))
        if not rows or rows[0]["kind"] not in (KIND_ACCESS, KIND_OUTGOING):
            raise MatrixError("M_UNKNOWN_TOKEN", "the access token is not known")
        token = rows[0]
        where = {"user_id": token["user_id"]}
        user = (await self.store.find(Find(table="users", where=where)))[0]
        if user["is_locked"]:
            raise MatrixError(
                "M_USER_LOCKED",
                "this account is locked",
                extra={"soft_logout": True},
            )
        caller = Caller(
            user_id=token["user_id"],
            device_id=token["device_id"],
            is_admin=bool(user["is_admin"]),
            is_guest=bool(user["is_guest"]),
        )
        known = caller, token["expires_ts"]
        if token["kind"] == KIND_ACCESS:
            await self._arrived(token)
            self._remember(hashed, known)
        return known

    def _remember(self, hashed: str, known: _Known) -> None:
        """Keep the newest token of a device; one before it may end at any time."""
        caller, _ = known
        self.forget(caller.user, lambda device: device == caller.device_id)
        if len(self._known) >= MAX_CACHED_TOKENS:
            self._known.clear()
        self._known[hashed] = known
