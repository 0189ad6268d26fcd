"""What an operator may set of a server, whoever embeds it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from chatproto.ids import ServerName
from chatproto.operations.declare import Rate
from chatproto.server.rates import DEFAULT_RATES, Bucket


@frozen(kw_only=True)
class Settings:
    """What an operator may set. `registration` is open, token or closed."""

    server_name: ServerName
    registration: str = "closed"
    registration_tokens: tuple[str, ...] = ()
    rates: Mapping[Rate, Bucket] | None = field(factory=lambda: DEFAULT_RATES)
    access_token_life_ms: int = 3_600_000  # only for clients that can refresh
    upload_bytes: int = 50 * 1024 * 1024
    base_url: str | None = None
    autojoin: tuple[str, ...] = ()
