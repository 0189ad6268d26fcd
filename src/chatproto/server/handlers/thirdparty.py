"""Other networks and addresses outside of Matrix: there are none here."""

from __future__ import annotations

from typing import Any, NoReturn

from chatproto.canonical import JsonObject
from chatproto.decisions import Decides, Decision, Handler, Reads, View
from chatproto.errors import MatrixError
from chatproto.operations import thirdparty as ops


async def list_protocols(_reading: Any, _request: ops.ListProtocols) -> JsonObject:
    return {}


async def refuse_protocol(
    _reading: Any, request: ops.GetProtocol | ops.FindPortals | ops.FindUsers
) -> NoReturn:
    message = f"no network {request.protocol[:60]!r} can be reached from here"
    raise MatrixError("M_NOT_FOUND", message)


async def find_none(
    _reading: Any, _request: ops.FindLocations | ops.FindGhosts
) -> tuple[Any, ...]:
    return ()


async def list_ids(_reading: Any, _request: ops.ListThirdPartyIds) -> ops.ThirdPartyIds:
    return ops.ThirdPartyIds(threepids=())


def refuse_id(_view: View, _request: object) -> Decision:
    raise MatrixError(
        "M_THREEPID_DENIED",
        "this server keeps no e-mail addresses and telephone numbers",
    )


def unbind(_view: View, _request: object) -> Decision:
    return Decision(reply=ops.Unbound(id_server_unbind_result="no-support"))


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.LIST_PROTOCOLS, list_protocols),
    Reads(ops.GET_PROTOCOL, refuse_protocol),
    Reads(ops.FIND_LOCATIONS, find_none),
    Reads(ops.FIND_PORTALS, refuse_protocol),
    Reads(ops.FIND_GHOSTS, find_none),
    Reads(ops.FIND_USERS, refuse_protocol),
    Reads(ops.LIST_IDS, list_ids),
    Decides(ops.ADD_ID, refuse_id),
    Decides(ops.BIND_ID, refuse_id),
    Decides(ops.DELETE_ID, unbind),
    Decides(ops.UNBIND_ID, unbind),
)
