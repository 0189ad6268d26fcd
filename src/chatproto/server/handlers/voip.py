"""Credentials for the relay of calls."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Any

from chatproto.decisions import Handler, Reads
from chatproto.ids import UserId
from chatproto.operations import voip as ops
from chatproto.server.settings import Settings


async def get_turn_server(reading: Any, _request: ops.GetTurnServer) -> ops.TurnServer:
    settings: Settings = reading.engine.settings
    if not settings.turn_uris:
        return ops.TurnServer()
    return turn_credentials(settings, reading.caller.user, reading.now_ms)


def turn_credentials(
    settings: Settings, user_id: UserId, now_ms: int
) -> ops.TurnServer:
    """What a relay accepts that shares our secret (draft-uberti-behave-turn-rest)."""
    ttl = settings.turn_life_ms // 1000
    username = f"{now_ms // 1000 + ttl}:{user_id}"
    digest = hmac.digest(settings.turn_secret.encode(), username.encode(), "sha1")
    return ops.TurnServer(
        username=username,
        password=b64encode(digest).decode(),
        uris=settings.turn_uris,
        ttl=ttl,
    )


HANDLERS: tuple[Handler, ...] = (Reads(ops.GET_TURN_SERVER, get_turn_server),)
