"""Cross-signing: a user's keys that sign their devices and other people, and signatures.

Source: Matrix Client-Server API, "Cross-signing".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from chatproto.canonical import JsonObject, canonical, object_of
from chatproto.decisions import (
    Caller,
    ChangeDeviceList,
    Decides,
    Decision,
    Delete,
    Find,
    Handler,
    Needs,
    Put,
    View,
    Write,
)
from chatproto.errors import MatrixError
from chatproto.ids import UserId
from chatproto.operations import keys as ops
from chatproto.operations.declare import Empty
from chatproto.server.handlers.credentials import require_password
from chatproto.signing import verify_json

USAGES = ("master", "self_signing", "user_signing")
MAX_SIGNATURES = 1_000
_TABLE = "cross_signing_keys"


async def prepare_upload(
    reading: Any, caller: Caller, request: ops.UploadSigningKeys
) -> None:
    """The first keys are free; to replace them takes more than a session."""
    where = {"user_id": caller.user}
    rows = await reading.find(Find(table=_TABLE, where=where))
    known = {row["usage"]: row["json"] for row in rows}
    given = _given(request)
    if "master" in known and any(known.get(u) != key for u, key in given.items()):
        await require_password(reading, caller, request.auth)


def needs_upload(caller: Caller, request: ops.UploadSigningKeys) -> Needs:
    where = {"user_id": caller.user}
    rows = {
        "keys": Find(table=_TABLE, where=where),
        "devices": Find(table="devices", where=where),
    }
    return Needs(rows=rows, joined=(caller.user,))


def upload(view: View, request: ops.UploadSigningKeys) -> Decision:
    user = view.caller.user
    known = {row["usage"]: row["json"] for row in view.rows["keys"]}
    given = _given(request)
    devices = {row["device_id"] for row in view.rows["devices"]}
    for usage, key in given.items():
        if _checked(user, usage, key).public in devices:
            raise MatrixError("M_FORBIDDEN", "a device has the name of this key")
    master = given.get("master") or known.get("master")
    if master is None:
        raise MatrixError("M_MISSING_PARAM", "the first of the keys is the master key")
    for usage in ("self_signing", "user_signing"):
        if usage in given:
            _require_signed(given[usage], user, _checked(user, "master", master))
    changed = {u: key for u, key in given.items() if known.get(u) != key}
    return Decision(writes=tuple(_writes(view, known, changed)), reply=Empty())


def _writes(
    view: View, known: Mapping[str, JsonObject], changed: Mapping[str, JsonObject]
) -> Iterable[Write]:
    user = view.caller.user
    for usage, key in changed.items():
        yield Put(table=_TABLE, row={"user_id": user, "usage": usage, "json": key})
    if "master" in changed and "master" in known:
        # What a new master key has not signed is no part of the new identity.
        for usage in USAGES:
            if usage in known and usage not in changed:
                yield Delete(table=_TABLE, where={"user_id": user, "usage": usage})
    if changed:
        yield ChangeDeviceList(user_id=user, rooms=tuple(view.joined[user]))


def _given(request: ops.UploadSigningKeys) -> dict[str, JsonObject]:
    keys = (request.master_key, request.self_signing_key, request.user_signing_key)
    return {u: key for u, key in zip(USAGES, keys, strict=True) if key is not None}


@frozen
class _SigningKey:
    id: str
    public: str


def _checked(user: UserId, usage: str, key: JsonObject) -> _SigningKey:
    """The one key of a cross-signing key. Raises MatrixError M_INVALID_PARAM."""
    found = object_of(key.get("keys"))
    if key.get("user_id") != user or usage not in (key.get("usage") or ()):
        raise MatrixError("M_INVALID_PARAM", f"this is no {usage} key of {user}")
    if len(found) != 1:
        raise MatrixError("M_INVALID_PARAM", f"the {usage} key has to be one key")
    ((key_id, public),) = found.items()
    if not isinstance(public, str) or key_id != f"ed25519:{public}":
        raise MatrixError("M_INVALID_PARAM", f"the {usage} key is no ed25519 key")
    canonical(key)
    return _SigningKey(key_id, public)


def _require_signed(key: JsonObject, user: UserId, master: _SigningKey) -> None:
    try:
        verify_json(key, user, master.id, master.public)
    except MatrixError as error:
        raise MatrixError(
            "M_INVALID_SIGNATURE", "the key is not signed by the master key"
        ) from error


# signatures


def needs_signatures(caller: Caller, request: ops.UploadSignatures) -> Needs:
    if sum(len(signed) for signed in request.signatures.values()) > MAX_SIGNATURES:
        raise MatrixError("M_TOO_LARGE", f"more than {MAX_SIGNATURES} in one call")
    rows: dict[str, Find] = {}
    for user_id in {caller.user, *request.signatures}:
        where = {"user_id": user_id}
        rows[f"devices {user_id}"] = Find(table="device_keys", where=where)
        rows[f"keys {user_id}"] = Find(table=_TABLE, where=where)
    return Needs(rows=rows, joined=(caller.user,))


def upload_signatures(view: View, request: ops.UploadSignatures) -> Decision:
    """What is signed must be what is stored; each wrong one is told of, and left out."""
    own = view.caller.user
    signers = _keys_of(view, own)
    failures: dict[UserId, dict[str, JsonObject]] = {}
    writes: list[Write] = []
    others: list[Write] = []
    rooms: tuple[Any, ...] = ()
    for user_id, signed in request.signatures.items():
        targets = _keys_of(view, user_id)
        before = len(writes)
        for target, key in signed.items():
            try:
                writes += _signatures(own, signers, user_id, target, targets, key)
            except MatrixError as error:
                answer = {"errcode": error.errcode, "error": error.error}
                failures.setdefault(user_id, {})[target] = answer
            else:
                rooms = tuple(view.joined[own]) if user_id == own else rooms
        if user_id != own and len(writes) > before:
            others.append(ChangeDeviceList(user_id=user_id))
    if writes:
        # How one has signed others is for one's own devices alone, which must be told
        # whose keys to ask for anew.
        writes += [*others, ChangeDeviceList(user_id=own, rooms=rooms)]
    reply = ops.UploadedSignatures(failures=failures)
    return Decision(writes=tuple(writes), reply=reply)


def _keys_of(view: View, user_id: UserId) -> dict[str, JsonObject]:
    """A user's keys by the names under which they are signed."""
    found: dict[str, JsonObject] = {}
    for row in view.rows[f"devices {user_id}"]:
        found[row["device_id"]] = row["json"]
    for row in view.rows[f"keys {user_id}"]:
        found[_checked(user_id, row["usage"], row["json"]).public] = row["json"]
    return found


def _signatures(
    own: UserId,
    signers: Mapping[str, JsonObject],
    user_id: UserId,
    target: str,
    targets: Mapping[str, JsonObject],
    key: JsonObject,
) -> list[Write]:
    stored = targets.get(target)
    if stored is None:
        raise MatrixError("M_NOT_FOUND", "there is no such key")
    if _bare(stored) != _bare(key):
        raise MatrixError("M_INVALID_SIGNATURE", "the signed key is another one")
    by_key = object_of(object_of(key.get("signatures")).get(own))
    writes: list[Write] = []
    for signer_key, signature in by_key.items():
        if object_of(object_of(stored.get("signatures")).get(own)).get(signer_key):
            continue  # came with the key
        name = signer_key.partition(":")[2]
        public = object_of(signers.get(name, {}).get("keys")).get(signer_key)
        try:
            verify_json(key, own, signer_key, str(public))
        except MatrixError as error:
            raise MatrixError("M_INVALID_SIGNATURE", "wrong signature") from error
        row = {
            "user_id": user_id,
            "target": target,
            "signer": own,
            "signer_key": signer_key,
            "signature": signature,
        }
        writes.append(Put(table="key_signatures", row=row))
    if not by_key:
        raise MatrixError("M_INVALID_SIGNATURE", "there is no signature of yours")
    return writes


def _bare(key: JsonObject) -> JsonObject:
    return {k: v for k, v in key.items() if k not in ("signatures", "unsigned")}


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.UPLOAD_SIGNING_KEYS, upload, needs_upload, prepare_upload),
    Decides(ops.UPLOAD_SIGNATURES, upload_signatures, needs_signatures),
)
