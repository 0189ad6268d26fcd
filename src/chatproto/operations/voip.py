"""What clients need to call one another."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.operations.declare import Call, Operation


@frozen(kw_only=True)
class TurnServer:
    """Credentials for `ttl` seconds; nothing where the server knows of no relay."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    uris: tuple[str, ...] | None = None
    ttl: int | None = None


@frozen(kw_only=True)
class GetTurnServer(Call[TurnServer]):
    """Get credentials for a relay (TURN) through which calls pass firewalls."""


GET_TURN_SERVER = Operation(
    name="voip.turn_server",
    http="GET /_matrix/client/v3/voip/turnServer",
    request=GetTurnServer,
    response=TurnServer,
)

OPERATIONS: tuple[Operation, ...] = (GET_TURN_SERVER,)
