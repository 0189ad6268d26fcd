"""Application services and guests."""

from __future__ import annotations

from attrs import frozen

from chatproto.operations.declare import Call, Operation, Rate


@frozen(kw_only=True)
class Pinged:
    """An application service that is there, and how long it took to answer."""

    duration_ms: int


@frozen(kw_only=True)
class PingAppservice(Call[Pinged]):
    """Have the server call the application service that asks for it."""

    appservice_id: str
    transaction_id: str | None = None


PING_APPSERVICE = Operation(
    name="appservice.ping",
    http="POST /_matrix/client/v1/appservice/{appservice_id}/ping",
    request=PingAppservice,
    response=Pinged,
    rate=Rate.READ,
    errors=(
        "M_URL_NOT_SET",
        "M_BAD_STATUS",
        "M_CONNECTION_FAILED",
        "M_CONNECTION_TIMEOUT",
    ),
)

OPERATIONS: tuple[Operation, ...] = (PING_APPSERVICE,)
