"""Backups of message keys.

Source: Matrix Client-Server API, "Server-side key backups".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from attrs import field, frozen

from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Delete,
    Find,
    Handler,
    Needs,
    Put,
    Reads,
    Row,
    Update,
    View,
)
from chatproto.errors import MatrixError
from chatproto.ids import RoomId, UserId
from chatproto.operations import key_backup as ops
from chatproto.operations.declare import Empty

MAX_KEYS_IN_A_CALL = 5_000
_TABLE = "key_backups"
_KEYS = "backed_up_keys"

Session: TypeAlias = tuple[RoomId, str]
PutRequest: TypeAlias = ops.PutKeys | ops.PutRoomKeys | ops.PutKey
DeleteRequest: TypeAlias = ops.DeleteKeys | ops.DeleteRoomKeys | ops.DeleteKey


# backups


def needs_backups(caller: Caller, _request: Any) -> Needs:
    find = Find(table=_TABLE, where={"user_id": caller.user}, order=("version",))
    return Needs(rows={"backups": find})


def create(view: View, request: ops.CreateBackup) -> Decision:
    version = max((row["version"] for row in view.rows["backups"]), default=0) + 1
    row = {
        "user_id": view.caller.user,
        "version": version,
        "algorithm": request.algorithm,
        "auth_data": request.auth_data,
        "etag": 0,
        "is_deleted": 0,
    }
    reply = ops.BackupVersion(version=str(version))
    return Decision(writes=(Put(table=_TABLE, row=row),), reply=reply)


async def get(reading: Any, _request: ops.GetBackup) -> ops.Backup:
    rows = await reading.find(_all(reading.caller.user))
    current = _current(rows)
    if current is None:
        raise MatrixError("M_NOT_FOUND", "you have no backup of keys")
    return await _described(reading, current)


async def get_version(reading: Any, request: ops.GetBackupVersion) -> ops.Backup:
    rows = await reading.find(_all(reading.caller.user))
    return await _described(reading, _named(rows, request.version))


async def _described(reading: Any, row: Row) -> ops.Backup:
    count = await reading.store.backed_up_count(reading.caller.user, row["version"])
    return ops.Backup(
        algorithm=row["algorithm"],
        auth_data=row["auth_data"],
        count=count,
        etag=str(row["etag"]),
        version=str(row["version"]),
    )


def update(view: View, request: ops.UpdateBackup) -> Decision:
    row = _named(view.rows["backups"], request.version)
    if row["algorithm"] != request.algorithm:
        raise MatrixError("M_INVALID_PARAM", "the algorithm of a backup stays")
    where = {"user_id": view.caller.user, "version": row["version"]}
    change = {"auth_data": request.auth_data}
    write = Update(table=_TABLE, where=where, set=change)
    return Decision(writes=(write,), reply=Empty())


def delete(view: View, request: ops.DeleteBackup) -> Decision:
    """The number stays taken, so that no other backup is ever called the same."""
    row = _named(view.rows["backups"], request.version)
    where = {"user_id": view.caller.user, "version": row["version"]}
    gone = Update(table=_TABLE, where=where, set={"is_deleted": 1, "auth_data": {}})
    return Decision(writes=(gone, Delete(table=_KEYS, where=where)), reply=Empty())


def _all(user_id: UserId) -> Find:
    return Find(table=_TABLE, where={"user_id": user_id}, order=("version",))


def _current(rows: Sequence[Row]) -> Row | None:
    return next((row for row in reversed(rows) if not row["is_deleted"]), None)


def _named(rows: Sequence[Row], version: str) -> Row:
    for row in rows:
        if str(row["version"]) == version and not row["is_deleted"]:
            return row
    raise MatrixError("M_NOT_FOUND", f"there is no backup {version[:20]!r}")


# keys


@frozen
class _Known:
    """What a backup has, as far as a call is about it."""

    count: int
    keys: Mapping[Session, Row] = field(factory=dict)


def alone(caller: Caller, _request: Any) -> str:
    return f"key backup of {caller.user}"


async def prepare_put(reading: Any, caller: Caller, request: PutRequest) -> _Known:
    sessions = list(_sessions(request))
    if len(sessions) > MAX_KEYS_IN_A_CALL:
        raise MatrixError(
            "M_TOO_LARGE", f"more than {MAX_KEYS_IN_A_CALL} keys in one call"
        )
    version = _number(request.version)
    store = reading.store
    rows = await store.backed_up(caller.user, version, sessions)
    count = await store.backed_up_count(caller.user, version)
    return _Known(count, {(row["room_id"], row["session_id"]): row for row in rows})


def put(view: View, request: PutRequest) -> Decision:
    backup = _current_named(view, request.version)
    known: _Known = view.prepared
    better = {
        session: key
        for session, key in _sessions(request).items()
        if _is_better(key, known.keys.get(session))
    }
    user, version = view.caller.user, backup["version"]
    writes = tuple(
        Put(table=_KEYS, row=_row(user, version, session, key))
        for session, key in better.items()
    )
    new = sum(1 for session in better if session not in known.keys)
    return _changed(view, backup, writes, known.count + new)


def _sessions(request: PutRequest) -> dict[Session, ops.KeyBackupData]:
    match request:
        case ops.PutKeys():
            return {
                (room_id, session_id): key
                for room_id, room in request.rooms.items()
                for session_id, key in room.sessions.items()
            }
        case ops.PutRoomKeys():
            return {(request.room_id, s): key for s, key in request.sessions.items()}
        case ops.PutKey():
            key = ops.KeyBackupData(
                first_message_index=request.first_message_index,
                forwarded_count=request.forwarded_count,
                is_verified=request.is_verified,
                session_data=request.session_data,
            )
            return {(request.room_id, request.session_id): key}


def _is_better(key: ops.KeyBackupData, known: Row | None) -> bool:
    """Verified before not; then what opens more messages; then what went fewer ways."""
    if known is None:
        return True
    new = (not key.is_verified, key.first_message_index, key.forwarded_count)
    return new < (
        not known["is_verified"],
        known["first_message_index"],
        known["forwarded_count"],
    )


def _row(
    user: UserId, version: int, session: Session, key: ops.KeyBackupData
) -> dict[str, Any]:
    return {
        "user_id": user,
        "version": version,
        "room_id": session[0],
        "session_id": session[1],
        "first_message_index": key.first_message_index,
        "forwarded_count": key.forwarded_count,
        "is_verified": int(key.is_verified),
        "session_data": key.session_data,
    }


def _current_named(view: View, version: str) -> Row:
    """The backup of this version, which has to be the current one."""
    rows = view.rows["backups"]
    current = _current(rows)
    if current is None:
        raise MatrixError("M_NOT_FOUND", "you have no backup of keys")
    if str(current["version"]) != version:
        raise MatrixError(
            "M_WRONG_ROOM_KEYS_VERSION",
            "keys go into the current backup only",
            extra={"current_version": str(current["version"])},
        )
    return current


def _changed(
    view: View, backup: Row, writes: Sequence[Put | Delete], count: int
) -> Decision:
    etag = backup["etag"]
    if not writes:
        return Decision(reply=ops.BackedUp(etag=str(etag), count=count))
    where = {"user_id": view.caller.user, "version": backup["version"]}
    mark = Update(table=_TABLE, where=where, set={"etag": etag + 1})
    reply = ops.BackedUp(etag=str(etag + 1), count=count)
    return Decision(writes=(*writes, mark), reply=reply)


async def prepare_delete(
    reading: Any, caller: Caller, request: DeleteRequest
) -> _Known:
    """The count after it: all that is there but what goes."""
    version = _number(request.version)
    count = await reading.store.backed_up_count(caller.user, version)
    gone = await reading.find(Find(table=_KEYS, where=_where(caller.user, request)))
    return _Known(
        count - len(gone), {(row["room_id"], row["session_id"]): row for row in gone}
    )


def delete_keys(view: View, request: DeleteRequest) -> Decision:
    backup = _named(view.rows["backups"], request.version)
    known: _Known = view.prepared
    writes = (Delete(table=_KEYS, where=_where(view.caller.user, request)),)
    return _changed(view, backup, writes if known.keys else (), known.count)


async def get_keys(reading: Any, request: ops.GetKeys) -> ops.BackedUpKeys:
    rooms: dict[RoomId, dict[str, ops.KeyBackupData]] = {}
    for row in await _found(reading, request):
        rooms.setdefault(row["room_id"], {})[row["session_id"]] = _key(row)
    return ops.BackedUpKeys(
        rooms={room: ops.RoomKeyBackup(sessions=keys) for room, keys in rooms.items()}
    )


async def get_room_keys(reading: Any, request: ops.GetRoomKeys) -> ops.RoomKeyBackup:
    rows = await _found(reading, request)
    return ops.RoomKeyBackup(sessions={row["session_id"]: _key(row) for row in rows})


async def get_key(reading: Any, request: ops.GetKey) -> ops.KeyBackupData:
    rows = await _found(reading, request)
    if not rows:
        raise MatrixError("M_NOT_FOUND", "there is no such key in the backup")
    return _key(rows[0])


async def _found(
    reading: Any, request: ops.GetKeys | ops.GetRoomKeys | ops.GetKey
) -> Sequence[Row]:
    user: UserId = reading.caller.user
    _named(await reading.find(_all(user)), request.version)
    find = Find(table=_KEYS, where=_where(user, request))
    found: Sequence[Row] = await reading.find(find)
    return found


def _where(user: UserId, request: Any) -> dict[str, Any]:
    where: dict[str, Any] = {"user_id": user, "version": _number(request.version)}
    for name in ("room_id", "session_id"):
        if hasattr(request, name):
            where[name] = getattr(request, name)
    return where


def _number(version: str) -> int:
    is_one = version.isascii() and version.isdigit() and len(version) <= 16
    return int(version) if is_one else 0


def _key(row: Row) -> ops.KeyBackupData:
    return ops.KeyBackupData(
        first_message_index=row["first_message_index"],
        forwarded_count=row["forwarded_count"],
        is_verified=bool(row["is_verified"]),
        session_data=row["session_data"],
    )


HANDLERS: tuple[Handler, ...] = (
    Decides(ops.CREATE_BACKUP, create, needs_backups),
    Reads(ops.GET_BACKUP, get),
    Reads(ops.GET_BACKUP_VERSION, get_version),
    Decides(ops.UPDATE_BACKUP, update, needs_backups),
    Decides(ops.DELETE_BACKUP, delete, needs_backups),
    Decides(ops.PUT_KEYS, put, needs_backups, prepare_put, alone=alone),
    Decides(ops.PUT_ROOM_KEYS, put, needs_backups, prepare_put, alone=alone),
    Decides(ops.PUT_KEY, put, needs_backups, prepare_put, alone=alone),
    Reads(ops.GET_KEYS, get_keys),
    Reads(ops.GET_ROOM_KEYS, get_room_keys),
    Reads(ops.GET_KEY, get_key),
    Decides(ops.DELETE_KEYS, delete_keys, needs_backups, prepare_delete, alone=alone),
    Decides(
        ops.DELETE_ROOM_KEYS, delete_keys, needs_backups, prepare_delete, alone=alone
    ),
    Decides(ops.DELETE_KEY, delete_keys, needs_backups, prepare_delete, alone=alone),
)
