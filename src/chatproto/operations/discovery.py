"""What a server is and can."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.operations.codec import wire
from chatproto.operations.declare import Access, Call, Operation


@frozen(kw_only=True)
class Versions:
    versions: tuple[str, ...]
    unstable_features: dict[str, bool] = field(factory=dict)


@frozen(kw_only=True)
class GetVersions(Call[Versions]):
    """List the versions of the Matrix specification that are served, and features."""


@frozen(kw_only=True)
class WellKnown:
    homeserver: JsonObject = field(metadata=wire("m.homeserver"))


@frozen(kw_only=True)
class GetWellKnown(Call[WellKnown]):
    """Tell clients where the homeserver of this name is."""


@frozen(kw_only=True)
class Capabilities:
    capabilities: JsonObject


@frozen(kw_only=True)
class GetCapabilities(Call[Capabilities]):
    """List what an account can do here, and the room versions."""


GET_VERSIONS = Operation(
    name="server.versions",
    http="GET /_matrix/client/versions",
    request=GetVersions,
    response=Versions,
    access=Access.PUBLIC,
)
GET_WELL_KNOWN = Operation(
    name="server.well_known",
    http="GET /.well-known/matrix/client",
    request=GetWellKnown,
    response=WellKnown,
    access=Access.PUBLIC,
    errors=("M_NOT_FOUND",),
)
GET_CAPABILITIES = Operation(
    name="server.capabilities",
    http="GET /_matrix/client/v3/capabilities",
    request=GetCapabilities,
    response=Capabilities,
)

OPERATIONS = (GET_VERSIONS, GET_WELL_KNOWN, GET_CAPABILITIES)
