"""Application services."""

from __future__ import annotations

from typing import Any

from chatproto.decisions import Caller, Handler, Reads
from chatproto.errors import MatrixError
from chatproto.ids import ServerName, UserId, parse_new_localpart, user_id
from chatproto.operations import appservices as ops
from chatproto.operations.accounts import Register
from chatproto.server.appservices.services import Appservices


def user_to_register(caller: Caller, request: Register, server: ServerName) -> UserId:
    """The user an application service registers, without a password.

    Raises MatrixError; that the name is its own has been seen when it was admitted.
    """
    _require_appservice(caller)
    if request.username is None:
        raise MatrixError("M_MISSING_PARAM", "username is missing")
    return user_id(parse_new_localpart(request.username), server)


def require_own_user(services: Appservices, caller: Caller, user: str) -> None:
    """Raises MatrixError M_EXCLUSIVE for a user whom the service may not be."""
    services.require_user(user, _require_appservice(caller))


def _require_appservice(caller: Caller) -> str:
    if caller.appservice is None:
        raise MatrixError("M_FORBIDDEN", "only an application service may do that")
    return caller.appservice


async def ping(reading: Any, request: ops.PingAppservice) -> ops.Pinged:
    links = reading.engine.links
    if links is None:
        raise MatrixError("M_FORBIDDEN", "this server has no application services")
    name, txn_id = request.appservice_id, request.transaction_id
    return ops.Pinged(duration_ms=await links.ping(reading.caller, name, txn_id))


HANDLERS: tuple[Handler, ...] = (Reads(ops.PING_APPSERVICE, ping),)
