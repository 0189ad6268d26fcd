"""What an operator may set of a server, whoever embeds it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from chatproto.ids import ServerName
from chatproto.operations.declare import Rate
from chatproto.server.appservices.registration import Registration
from chatproto.server.rates import DEFAULT_RATES, Bucket
from chatproto.server.reach import PUBLIC_WEB, Reach

GIB = 1024**3


@frozen(kw_only=True)
class Settings:
    """What an operator may set. `registration` is open, token or closed.

    `media_bytes` and `media_day_bytes` bound what one user has uploaded, in all and
    within 24 hours. `legacy_media` gives files out without a token, on the paths of
    Matrix before 1.11. `reach` is where the server connects to when somebody else
    names the place. `turn_uris` and `turn_secret` are those of a relay for calls.
    """

    server_name: ServerName
    registration: str = "closed"
    registration_tokens: tuple[str, ...] = ()
    guests: bool = False
    rates: Mapping[Rate, Bucket] | None = field(factory=lambda: DEFAULT_RATES)
    access_token_life_ms: int = 3_600_000  # only for clients that can refresh
    upload_bytes: int = 50 * 1024 * 1024
    media_bytes: int = 20 * GIB
    media_day_bytes: int = 5 * GIB
    legacy_media: bool = False
    url_previews: bool = False
    reach: Reach = PUBLIC_WEB
    base_url: str | None = None
    turn_uris: tuple[str, ...] = ()
    turn_secret: str = field(default="", repr=False)
    turn_life_ms: int = 24 * 3_600_000
    autojoin: tuple[str, ...] = ()
    appservices: tuple[Registration, ...] = ()
