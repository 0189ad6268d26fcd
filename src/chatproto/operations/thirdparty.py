"""Other networks, and what people are called outside of Matrix."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import RoomAlias, UserId
from chatproto.operations.declare import Call, Empty, Operation, Rate


@frozen(kw_only=True)
class ListProtocols(Call[JsonObject]):
    """List the other networks that can be reached from here, by name."""


@frozen(kw_only=True)
class GetProtocol(Call[JsonObject]):
    """Describe a network that can be reached from here."""

    protocol: str


@frozen(kw_only=True)
class FindLocations(Call[tuple[Any, ...]]):
    """List the places of other networks that a room stands for."""

    alias: RoomAlias


@frozen(kw_only=True)
class FindPortals(Call[tuple[Any, ...]]):
    """List the rooms that stand for a place of another network."""

    protocol: str


@frozen(kw_only=True)
class FindGhosts(Call[tuple[Any, ...]]):
    """List the users of other networks that a user stands for."""

    userid: UserId


@frozen(kw_only=True)
class FindUsers(Call[tuple[Any, ...]]):
    """List the users who stand for a user of another network."""

    protocol: str


@frozen(kw_only=True)
class ThirdPartyIds:
    threepids: tuple[JsonObject, ...]


@frozen(kw_only=True)
class ListThirdPartyIds(Call[ThirdPartyIds]):
    """List the e-mail addresses and telephone numbers of the account."""


@frozen(kw_only=True)
class AddThirdPartyId(Call[Empty]):
    """Add an address to the account. This server keeps none."""

    client_secret: str = field(repr=False)
    sid: str
    auth: JsonObject | None = field(default=None, repr=False)


@frozen(kw_only=True)
class BindThirdPartyId(Call[Empty]):
    """Let an address be found by others. This server asks no identity server."""

    client_secret: str = field(repr=False)
    sid: str
    id_server: str
    id_access_token: str = field(repr=False)


@frozen(kw_only=True)
class Unbound:
    """`id_server_unbind_result` is no-support: no identity server is known."""

    id_server_unbind_result: str


@frozen(kw_only=True)
class DeleteThirdPartyId(Call[Unbound]):
    """Take an address away from the account, which has none."""

    medium: str
    address: str
    id_server: str | None = None


@frozen(kw_only=True)
class UnbindThirdPartyId(Call[Unbound]):
    """Let an address be found no longer."""

    medium: str
    address: str
    id_server: str | None = None


_V3 = "/_matrix/client/v3"
_NETWORKS = f"{_V3}/thirdparty"
_IDS = f"{_V3}/account/3pid"

LIST_PROTOCOLS = Operation(
    name="thirdparty.protocols",
    http=f"GET {_NETWORKS}/protocols",
    request=ListProtocols,
    response=dict,
)
GET_PROTOCOL = Operation(
    name="thirdparty.protocol",
    http=f"GET {_NETWORKS}/protocol/{{protocol}}",
    request=GetProtocol,
    response=dict,
    errors=("M_NOT_FOUND",),
)
FIND_LOCATIONS = Operation(
    name="thirdparty.locations",
    http=f"GET {_NETWORKS}/location",
    request=FindLocations,
    response=tuple,
)
FIND_PORTALS = Operation(
    name="thirdparty.portals",
    http=f"GET {_NETWORKS}/location/{{protocol}}",
    request=FindPortals,
    response=tuple,
    errors=("M_NOT_FOUND",),
)
FIND_GHOSTS = Operation(
    name="thirdparty.ghosts",
    http=f"GET {_NETWORKS}/user",
    request=FindGhosts,
    response=tuple,
)
FIND_USERS = Operation(
    name="thirdparty.users",
    http=f"GET {_NETWORKS}/user/{{protocol}}",
    request=FindUsers,
    response=tuple,
    errors=("M_NOT_FOUND",),
)
LIST_IDS = Operation(
    name="threepid.list",
    http=f"GET {_IDS}",
    request=ListThirdPartyIds,
    response=ThirdPartyIds,
)
ADD_ID = Operation(
    name="threepid.add",
    http=f"POST {_IDS}/add",
    request=AddThirdPartyId,
    response=Empty,
    rate=Rate.LOGIN,
    errors=("M_THREEPID_DENIED",),
)
BIND_ID = Operation(
    name="threepid.bind",
    http=f"POST {_IDS}/bind",
    request=BindThirdPartyId,
    response=Empty,
    rate=Rate.LOGIN,
    errors=("M_THREEPID_DENIED",),
)
DELETE_ID = Operation(
    name="threepid.delete",
    http=f"POST {_IDS}/delete",
    request=DeleteThirdPartyId,
    response=Unbound,
    rate=Rate.WRITE,
)
UNBIND_ID = Operation(
    name="threepid.unbind",
    http=f"POST {_IDS}/unbind",
    request=UnbindThirdPartyId,
    response=Unbound,
    rate=Rate.WRITE,
)
OPERATIONS: tuple[Operation, ...] = (
    LIST_PROTOCOLS,
    GET_PROTOCOL,
    FIND_LOCATIONS,
    FIND_PORTALS,
    FIND_GHOSTS,
    FIND_USERS,
    LIST_IDS,
    ADD_ID,
    BIND_ID,
    DELETE_ID,
    UNBIND_ID,
)
