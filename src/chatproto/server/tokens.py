"""Access tokens, refresh tokens and tickets: random, and stored only hashed."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

from attrs import define, field

from chatproto.decisions import Caller

# The prefix lets scanners of secrets recognise one that was committed or logged.
ACCESS_PREFIX = "cpa_"
REFRESH_PREFIX = "cpr_"
TICKET_PREFIX = "cpt_"
LOGIN_PREFIX = "cpl_"
TOKEN_BYTES = 24

# What a stored token is; see the handler of `account.refresh`.
KIND_ACCESS = "access"
KIND_REFRESH = "refresh"
KIND_OUTGOING = "outgoing"
KIND_REPLACED = "replaced"
KIND_LOGIN = "login"
LOGIN_TOKEN_LIFE_MS = 120_000
TICKET_LIFE_MS = 30_000


def make_token(prefix: str, random: bytes) -> str:
    return prefix + urlsafe_b64encode(random).decode().rstrip("=")


def hash_token(token: str) -> str:
    """SHA-256 suffices: the tokens are random, not chosen by people."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@define
class Tickets:
    """Single-use tickets for the socket; they live in memory for half a minute."""

    _tickets: dict[str, tuple[Caller, int]] = field(factory=dict)

    def issue(self, caller: Caller, now_ms: int, random: bytes) -> str:
        self._forget_expired(now_ms)
        ticket = make_token(TICKET_PREFIX, random)
        self._tickets[hash_token(ticket)] = (caller, now_ms + TICKET_LIFE_MS)
        return ticket

    def redeem(self, ticket: str, now_ms: int) -> Caller | None:
        self._forget_expired(now_ms)
        found = self._tickets.pop(hash_token(ticket), None)
        return found[0] if found else None

    def revoke(self, user_id: str) -> None:
        for key, (caller, _) in list(self._tickets.items()):
            if caller.user_id == user_id:
                del self._tickets[key]

    def _forget_expired(self, now_ms: int) -> None:
        for key, (_, expires) in list(self._tickets.items()):
            if expires <= now_ms:
                del self._tickets[key]
