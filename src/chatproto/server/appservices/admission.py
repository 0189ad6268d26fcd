"""What calls claim: names that are kept for an application service."""

from __future__ import annotations

from typing import Any

from chatproto.decisions import Caller
from chatproto.errors import MatrixError
from chatproto.ids import parse_new_localpart, user_id
from chatproto.operations.accounts import CheckUsername, Register
from chatproto.operations.declare import Call
from chatproto.operations.rooms import CreateAlias, CreateRoom
from chatproto.server.appservices.services import Appservices

APPSERVICE_LOGIN = "m.login.application_service"


def require_unclaimed(
    services: Appservices, caller: Caller, request: Call[Any]
) -> None:
    """Raises MatrixError M_EXCLUSIVE if a call takes a name that is another's."""
    match request:
        case Register(username=str(name)) | CheckUsername(username=name):
            _user(services, caller, name)
        case CreateAlias(room_alias=alias):
            services.require_alias(alias, caller.appservice)
        case CreateRoom(room_alias_name=str(name)):
            full = f"#{name}:{services.server}"
            services.require_alias(full, caller.appservice)
        case _:
            pass


def _user(services: Appservices, caller: Caller, name: str) -> None:
    try:
        user = user_id(parse_new_localpart(name), services.server)
    except MatrixError:
        return  # no name at all, as the handler says in its own words
    services.require_user(user, caller.appservice)
