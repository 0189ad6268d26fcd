"""Keys of devices: published, asked for, and claimed once each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chatproto.canonical import JsonObject, canonical, object_of
from chatproto.decisions import (
    Caller,
    CatchUp,
    ChangeDeviceList,
    Decides,
    Decision,
    Delete,
    Effect,
    Find,
    Handler,
    Needs,
    Put,
    Reads,
    Row,
    Update,
    View,
    Write,
)
from chatproto.errors import MatrixError
from chatproto.ids import DeviceId, UserId, server_name
from chatproto.operations import keys as ops
from chatproto.server.positions import Position

MAX_ONE_TIME_KEYS = 1_000
MAX_FALLBACK_KEYS = 10
MAX_TARGETS = 1_000
DEVICE_KEYS = "device_keys"


# publishing


def needs_own(caller: Caller, _request: ops.UploadKeys) -> Needs:
    where = {"user_id": caller.user, "device_id": caller.device}
    tables = (DEVICE_KEYS, "one_time_keys", "fallback_keys")
    rows = {table: Find(table=table, where=where) for table in tables}
    return Needs(rows=rows, joined=(caller.user,))


def upload(view: View, request: ops.UploadKeys) -> Decision:
    known = {
        (r["algorithm"], r["key_id"]): r["json"] for r in view.rows["one_time_keys"]
    }
    new = _new_one_time_keys(request.one_time_keys, known)
    writes = [
        *_device_keys(view, request.device_keys),
        *_one_time_keys(view, new),
        *_fallback_keys(view, request.fallback_keys),
    ]
    counts: dict[str, int] = {"signed_curve25519": 0}
    for algorithm, _ in (*known, *new):
        counts[algorithm] = counts.get(algorithm, 0) + 1
    return Decision(
        writes=tuple(writes), reply=ops.KeyCountsLeft(one_time_key_counts=counts)
    )


def _device_keys(view: View, keys: JsonObject | None) -> Iterable[Write]:
    if keys is None:
        return
    user, device = view.caller.user, view.caller.device
    if keys.get("user_id") != user or keys.get("device_id") != device:
        raise MatrixError(
            "M_INVALID_PARAM", "device_keys are of another user, or of another device"
        )
    if not isinstance(keys.get("keys"), dict):
        raise MatrixError("M_BAD_JSON", "device_keys have no keys")
    canonical(keys)  # signed, so it must have one form only
    row = view.row(DEVICE_KEYS)
    if row is not None and row["json"] == keys:
        return
    where = {"user_id": user, "device_id": device}
    yield Put(table=DEVICE_KEYS, row={**where, "json": keys})
    if row is not None:  # what was signed were the keys before
        signed = {"user_id": user, "target": device}
        yield Delete(table="key_signatures", where=signed)
    yield ChangeDeviceList(user_id=user, rooms=tuple(view.joined[user]))


def _new_one_time_keys(
    uploaded: JsonObject, known: Mapping[tuple[str, str], Any]
) -> dict[tuple[str, str], Any]:
    new: dict[tuple[str, str], Any] = {}
    for name, key in uploaded.items():
        place = _algorithm_and_id(name, key)
        if place not in known:
            new[place] = key
        elif known[place] != _stored(key):
            raise MatrixError(
                "M_INVALID_PARAM", f"another key {name[:60]} is there already"
            )
    if len(known) + len(new) > MAX_ONE_TIME_KEYS:
        raise MatrixError(
            "M_LIMIT_EXCEEDED",
            f"a device has at most {MAX_ONE_TIME_KEYS} one-time keys",
        )
    return new


def _one_time_keys(view: View, new: Mapping[tuple[str, str], Any]) -> Iterable[Write]:
    for (algorithm, key_id), key in new.items():
        yield Put(
            table="one_time_keys",
            row={
                "user_id": view.caller.user,
                "device_id": view.caller.device,
                "algorithm": algorithm,
                "key_id": key_id,
                "uploaded": view.now_ms,
                "json": _stored(key),
            },
        )


def _fallback_keys(view: View, uploaded: JsonObject) -> Iterable[Write]:
    known = {
        (r["algorithm"], r["key_id"]): r["json"] for r in view.rows["fallback_keys"]
    }
    if len(uploaded) > MAX_FALLBACK_KEYS:
        raise MatrixError("M_LIMIT_EXCEEDED", "there is one fallback key by algorithm")
    for name, key in uploaded.items():
        algorithm, key_id = _algorithm_and_id(name, key)
        if known.get((algorithm, key_id)) == _stored(key):
            continue  # sent again; it may have been used since
        yield Put(
            table="fallback_keys",
            row={
                "user_id": view.caller.user,
                "device_id": view.caller.device,
                "algorithm": algorithm,
                "key_id": key_id,
                "is_used": 0,
                "json": _stored(key),
            },
        )


def _algorithm_and_id(name: str, key: Any) -> tuple[str, str]:
    algorithm, colon, key_id = name.partition(":")
    if not (algorithm and colon and key_id) or len(name) > 255:
        raise MatrixError("M_INVALID_PARAM", "a key is named 'algorithm:id'")
    if not isinstance(key, str | dict):
        raise MatrixError("M_BAD_JSON", f"{name[:60]} is no key")
    if isinstance(key, dict):
        canonical(key)
    return algorithm, key_id


def _stored(key: Any) -> JsonObject:
    """Old algorithms have plain texts for keys; a row holds an object."""
    return key if isinstance(key, dict) else {"org.chatproto.key": key}


def _sent(stored: JsonObject) -> Any:
    return stored.get("org.chatproto.key", stored)


# asking


async def query(reading: Any, request: ops.QueryKeys) -> ops.QueriedKeys:
    _check_size(request.device_keys)
    own: UserId = reading.caller.user
    devices: dict[UserId, dict[DeviceId, JsonObject]] = {}
    by_usage: dict[str, dict[UserId, JsonObject]] = {
        "master": {},
        "self_signing": {},
        "user_signing": {},
    }
    here, failures = _split(reading.server, request.device_keys)
    for user_id in here:
        signatures = await _signatures(reading, user_id, own)
        wanted = request.device_keys[user_id]
        devices[user_id] = await _devices_of(reading, user_id, wanted, signatures)
        for row in await _rows(reading, "cross_signing_keys", user_id):
            # By whom one signs other people is nobody else's business.
            if row["usage"] != "user_signing" or user_id == own:
                key = _signed(row["json"], signatures.get(_public(row["json"]), ()))
                by_usage[row["usage"]][user_id] = key
    return ops.QueriedKeys(
        device_keys=devices,
        master_keys=by_usage["master"],
        self_signing_keys=by_usage["self_signing"],
        user_signing_keys=by_usage["user_signing"],
        failures=failures,
    )


async def _devices_of(
    reading: Any,
    user_id: UserId,
    wanted: Sequence[DeviceId],
    signatures: Mapping[str, Sequence[Row]],
) -> dict[DeviceId, JsonObject]:
    rows = await _rows(reading, DEVICE_KEYS, user_id)
    names = {
        row["device_id"]: row["display_name"]
        for row in await _rows(reading, "devices", user_id)
    }
    found: dict[DeviceId, JsonObject] = {}
    for row in rows:
        device_id = row["device_id"]
        if wanted and device_id not in wanted:
            continue
        name = names.get(device_id)
        unsigned = {} if name is None else {"device_display_name": name}
        signed = _signed(row["json"], signatures.get(device_id, ()))
        found[device_id] = {**signed, "unsigned": unsigned}
    return found


async def _rows(reading: Any, table: str, user_id: UserId) -> Sequence[Row]:
    found: Sequence[Row] = await reading.find(
        Find(table=table, where={"user_id": user_id})
    )
    return found


async def _signatures(
    reading: Any, user_id: UserId, own: UserId
) -> dict[str, list[Row]]:
    """The signatures of a user's keys, by what they sign: the user's, and one's own."""
    found: dict[str, list[Row]] = {}
    for row in await _rows(reading, "key_signatures", user_id):
        if row["signer"] in (user_id, own):
            found.setdefault(row["target"], []).append(row)
    return found


def _signed(key: JsonObject, rows: Iterable[Row]) -> JsonObject:
    signatures = {
        user: dict(object_of(by_key))
        for user, by_key in object_of(key.get("signatures")).items()
    }
    for row in rows:
        by_key = signatures.setdefault(row["signer"], {})
        by_key[row["signer_key"]] = row["signature"]
    return {**key, "signatures": signatures} if signatures else key


def _public(key: JsonObject) -> str:
    """The public key by which a cross-signing key is named."""
    return next(iter(object_of(key.get("keys")).values()), "")


def _split(
    server: str, asked: Iterable[UserId]
) -> tuple[list[UserId], dict[str, JsonObject]]:
    """Users of this server, and what to say of those of others."""
    here: list[UserId] = []
    failures: dict[str, JsonObject] = {}
    for user_id in asked:
        other = server_name(user_id)
        if other == server:
            here.append(user_id)
        else:
            failures[other] = {
                "errcode": "M_UNAVAILABLE",
                "error": "keys of other servers' users are not asked for",
            }
    return here, failures


def _check_size(asked: Mapping[UserId, Any]) -> None:
    if len(asked) > MAX_TARGETS:
        raise MatrixError("M_TOO_LARGE", f"more than {MAX_TARGETS} users in one call")


# claiming


def needs_claimed(caller: Caller, request: ops.ClaimKeys) -> Needs:
    targets = list(_targets(request))
    if len(targets) > MAX_TARGETS:
        raise MatrixError("M_TOO_LARGE", f"more than {MAX_TARGETS} devices in one call")
    rows: dict[str, Find] = {}
    for user_id, device_id, algorithm in targets:
        where = {"user_id": user_id, "device_id": device_id, "algorithm": algorithm}
        rows[_name("once", user_id, device_id)] = Find(
            table="one_time_keys", where=where, order=("uploaded", "key_id"), limit=1
        )
        rows[_name("fallback", user_id, device_id)] = Find(
            table="fallback_keys", where=where
        )
    return Needs(rows=rows)


def claim(view: View, request: ops.ClaimKeys) -> Decision:
    claimed: dict[UserId, dict[DeviceId, JsonObject]] = {}
    writes: list[Write] = []
    effects: list[Effect] = []
    for user_id, device_id, algorithm in _targets(request):
        once = view.row(_name("once", user_id, device_id))
        row = once or view.row(_name("fallback", user_id, device_id))
        if row is None:
            continue
        key = {f"{algorithm}:{row['key_id']}": _sent(row["json"])}
        claimed.setdefault(user_id, {})[device_id] = key
        where = {"user_id": user_id, "device_id": device_id, "algorithm": algorithm}
        if once is not None:
            where["key_id"] = once["key_id"]
            writes.append(Delete(table="one_time_keys", where=where))
        elif not row["is_used"]:
            used = Update(table="fallback_keys", where=where, set={"is_used": 1})
            writes.append(used)
        # It is time for the device to see how many are left.
        effects.append(CatchUp(user_id=user_id, device_id=device_id))
    _, failures = _split(view.server, request.one_time_keys)
    reply = ops.ClaimedKeys(one_time_keys=claimed, failures=failures)
    return Decision(writes=tuple(writes), effects=tuple(effects), reply=reply)


def _targets(request: ops.ClaimKeys) -> Iterable[tuple[UserId, DeviceId, str]]:
    for user_id, devices in request.one_time_keys.items():
        for device_id, algorithm in devices.items():
            yield user_id, device_id, algorithm


def _name(kind: str, user_id: UserId, device_id: DeviceId) -> str:
    return f"{kind} {user_id} {device_id}"


# changes


async def changes(reading: Any, request: ops.GetKeyChanges) -> ops.KeyChanges:
    found = await reading.store.device_changes(
        reading.caller.user,
        after=Position.parse(request.from_).pos,
        until=Position.parse(request.to).pos,
    )
    return ops.KeyChanges(
        changed=tuple(sorted(found.changed)), left=tuple(sorted(found.left))
    )


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.UPLOAD_KEYS, upload, needs_own),
    Reads(ops.QUERY_KEYS, query),
    Decides(ops.CLAIM_KEYS, claim, needs_claimed),
    Reads(ops.GET_KEY_CHANGES, changes),
)
