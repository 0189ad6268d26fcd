"""Keys for end-to-end encryption: the server relays them, and can read none."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import DeviceId, UserId
from chatproto.operations.codec import wire
from chatproto.operations.declare import Call, Empty, Operation, Rate


@frozen(kw_only=True)
class KeyCountsLeft:
    one_time_key_counts: dict[str, int]


@frozen(kw_only=True)
class UploadKeys(Call[KeyCountsLeft]):
    """Publish one's device's keys, and keys for others to claim: {"algorithm:id": key}."""

    device_keys: JsonObject | None = None
    one_time_keys: JsonObject = field(factory=dict)
    fallback_keys: JsonObject = field(factory=dict)


@frozen(kw_only=True)
class QueriedKeys:
    device_keys: dict[UserId, dict[DeviceId, JsonObject]]
    master_keys: dict[UserId, JsonObject]
    self_signing_keys: dict[UserId, JsonObject]
    user_signing_keys: dict[UserId, JsonObject]
    failures: dict[str, JsonObject]


@frozen(kw_only=True)
class QueryKeys(Call[QueriedKeys]):
    """Ask for the keys of users' devices: all of them, or those that are named."""

    device_keys: dict[UserId, tuple[DeviceId, ...]]
    timeout: int = 10_000


@frozen(kw_only=True)
class ClaimedKeys:
    one_time_keys: dict[UserId, dict[DeviceId, JsonObject]]
    failures: dict[str, JsonObject]


@frozen(kw_only=True)
class ClaimKeys(Call[ClaimedKeys]):
    """Take a key of each device, to write to it: {user: {device: algorithm}}."""

    one_time_keys: dict[UserId, dict[DeviceId, str]]
    timeout: int = 10_000


@frozen(kw_only=True)
class KeyChanges:
    changed: tuple[UserId, ...]
    left: tuple[UserId, ...]


@frozen(kw_only=True)
class GetKeyChanges(Call[KeyChanges]):
    """List whose keys have changed between two positions of /sync."""

    from_: str = field(metadata=wire("from"))
    to: str


@frozen(kw_only=True)
class UploadSigningKeys(Call[Empty]):
    """Publish the keys by which one signs one's devices and other people."""

    master_key: JsonObject | None = None
    self_signing_key: JsonObject | None = None
    user_signing_key: JsonObject | None = None
    auth: JsonObject | None = field(default=None, repr=False)


@frozen(kw_only=True)
class UploadedSignatures:
    failures: dict[UserId, dict[str, JsonObject]]


@frozen(kw_only=True)
class UploadSignatures(Call[UploadedSignatures]):
    """Publish signatures of keys: {user: {device or public key: the signed object}}."""

    signatures: dict[UserId, dict[str, JsonObject]]


_KEYS = "/_matrix/client/v3/keys"

UPLOAD_KEYS = Operation(
    name="keys.upload",
    http=f"POST {_KEYS}/upload",
    request=UploadKeys,
    response=KeyCountsLeft,
    rate=Rate.WRITE,
    errors=("M_INVALID_PARAM", "M_BAD_JSON", "M_LIMIT_EXCEEDED"),
)
QUERY_KEYS = Operation(
    name="keys.query",
    http=f"POST {_KEYS}/query",
    request=QueryKeys,
    response=QueriedKeys,
    errors=("M_TOO_LARGE",),
)
CLAIM_KEYS = Operation(
    name="keys.claim",
    http=f"POST {_KEYS}/claim",
    request=ClaimKeys,
    response=ClaimedKeys,
    rate=Rate.WRITE,
    errors=("M_TOO_LARGE",),
)
GET_KEY_CHANGES = Operation(
    name="keys.changes",
    http=f"GET {_KEYS}/changes",
    request=GetKeyChanges,
    response=KeyChanges,
    errors=("M_INVALID_PARAM",),
)
UPLOAD_SIGNING_KEYS = Operation(
    name="keys.upload_signing",
    http=f"POST {_KEYS}/device_signing/upload",
    request=UploadSigningKeys,
    response=Empty,
    rate=Rate.WRITE,
    errors=(
        "M_INVALID_SIGNATURE",
        "M_MISSING_PARAM",
        "M_INVALID_PARAM",
        "M_FORBIDDEN",
        "M_UNAUTHORIZED",
    ),
)
UPLOAD_SIGNATURES = Operation(
    name="keys.upload_signatures",
    http=f"POST {_KEYS}/signatures/upload",
    request=UploadSignatures,
    response=UploadedSignatures,
    rate=Rate.WRITE,
    body="signatures",
    errors=("M_TOO_LARGE",),
)

OPERATIONS = (
    UPLOAD_KEYS,
    QUERY_KEYS,
    CLAIM_KEYS,
    GET_KEY_CHANGES,
    UPLOAD_SIGNING_KEYS,
    UPLOAD_SIGNATURES,
)
