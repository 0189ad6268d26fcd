"""As whom an application service calls: itself, or a user of its namespaces.

Source: Application Service API, "Identity assertion" and "Timestamp massaging".
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from chatproto.decisions import Caller, Find
from chatproto.errors import MatrixError
from chatproto.ids import DeviceId, UserId, parse_device_id, parse_user_id
from chatproto.ports import Store
from chatproto.server.appservices.services import Claims

# The first is the specification's; clients of today still send the second.
_DEVICE_NAMES = ("device_id", "org.matrix.msc3202.device_id")
_MAX_MS = 2**53 - 1


@frozen(kw_only=True)
class Mask:
    """Whom to act for, and when it happened (in milliseconds since the epoch)."""

    user_id: UserId | None = None
    device_id: DeviceId | None = None
    sent_ts: int | None = None


def parse_mask(query: Mapping[str, str]) -> Mask:
    """The mask in a query string. Raises MatrixError M_INVALID_PARAM."""
    user_id = query.get("user_id")
    device_id = next((query[n] for n in _DEVICE_NAMES if n in query), None)
    return Mask(
        user_id=None if user_id is None else parse_user_id(user_id),
        device_id=None if device_id is None else parse_device_id(device_id),
        sent_ts=_sent_ts(query.get("ts")),
    )


def _sent_ts(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:17]) <= _MAX_MS):
        raise MatrixError("M_INVALID_PARAM", "ts is in milliseconds since the epoch")
    return int(text[:17])


async def caller_behind(claims: Claims, mask: Mask, store: Store) -> Caller:
    """The caller an application service is, with a mask.

    Raises MatrixError M_FORBIDDEN for a user who is not in its namespaces or not yet
    registered, M_UNKNOWN_DEVICE for a device that the user does not have.
    """
    user_id = mask.user_id or claims.sender
    if not claims.has_user(user_id):
        raise MatrixError(
            "M_FORBIDDEN", f"{user_id[:60]} is in no namespace of this service"
        )
    users = await store.find(Find(table="users", where={"user_id": user_id}))
    if not users or users[0]["is_deactivated"]:
        raise MatrixError("M_FORBIDDEN", f"{user_id[:60]} has not been registered")
    if users[0]["is_locked"]:
        raise MatrixError("M_USER_LOCKED", "this account is locked")
    if mask.device_id is not None:
        where = {"user_id": user_id, "device_id": mask.device_id}
        if not await store.find(Find(table="devices", where=where)):
            raise MatrixError(
                "M_UNKNOWN_DEVICE", f"{user_id[:60]} has no such device", status=400
            )
    registration = claims.registration
    return Caller(
        user_id=user_id,
        device_id=mask.device_id,
        is_admin=bool(users[0]["is_admin"]),
        appservice=registration.id,
        is_limited=registration.rate_limited and user_id != claims.sender,
        sent_ts=mask.sent_ts,
    )
