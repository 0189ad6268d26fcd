"""Backups of message keys, encrypted by clients before they come here."""

from __future__ import annotations

from attrs import frozen

from chatproto.canonical import JsonObject
from chatproto.ids import RoomId
from chatproto.operations.declare import Call, Empty, Operation, Rate


@frozen(kw_only=True)
class BackupVersion:
    version: str


@frozen(kw_only=True)
class CreateBackup(Call[BackupVersion]):
    """Start a new backup of keys; it takes the place of the one before."""

    algorithm: str
    auth_data: JsonObject


@frozen(kw_only=True)
class Backup:
    algorithm: str
    auth_data: JsonObject
    count: int
    etag: str
    version: str


@frozen(kw_only=True)
class GetBackup(Call[Backup]):
    """Read about the current backup."""


@frozen(kw_only=True)
class GetBackupVersion(Call[Backup]):
    """Read about a backup."""

    version: str


@frozen(kw_only=True)
class UpdateBackup(Call[Empty]):
    """Replace what a backup is encrypted and signed by; its algorithm stays."""

    version: str
    algorithm: str
    auth_data: JsonObject


@frozen(kw_only=True)
class DeleteBackup(Call[Empty]):
    """Delete a backup with all of its keys."""

    version: str


@frozen(kw_only=True)
class KeyBackupData:
    """A key; `session_data` can be read by nobody but the user."""

    first_message_index: int
    forwarded_count: int
    is_verified: bool
    session_data: JsonObject


@frozen(kw_only=True)
class RoomKeyBackup:
    sessions: dict[str, KeyBackupData]


@frozen(kw_only=True)
class BackedUp:
    etag: str
    count: int


@frozen(kw_only=True)
class PutKeys(Call[BackedUp]):
    """Store keys in the current backup; of two of a session the better one stays."""

    version: str
    rooms: dict[RoomId, RoomKeyBackup]


@frozen(kw_only=True)
class PutRoomKeys(Call[BackedUp]):
    """Store keys of one room in the current backup."""

    room_id: RoomId
    version: str
    sessions: dict[str, KeyBackupData]


@frozen(kw_only=True)
class PutKey(Call[BackedUp]):
    """Store a key in the current backup."""

    room_id: RoomId
    session_id: str
    version: str
    first_message_index: int
    forwarded_count: int
    is_verified: bool
    session_data: JsonObject


@frozen(kw_only=True)
class BackedUpKeys:
    rooms: dict[RoomId, RoomKeyBackup]


@frozen(kw_only=True)
class GetKeys(Call[BackedUpKeys]):
    """Read all keys of a backup."""

    version: str


@frozen(kw_only=True)
class GetRoomKeys(Call[RoomKeyBackup]):
    """Read the keys of one room in a backup."""

    room_id: RoomId
    version: str


@frozen(kw_only=True)
class GetKey(Call[KeyBackupData]):
    """Read a key of a backup."""

    room_id: RoomId
    session_id: str
    version: str


@frozen(kw_only=True)
class DeleteKeys(Call[BackedUp]):
    """Delete all keys of a backup."""

    version: str


@frozen(kw_only=True)
class DeleteRoomKeys(Call[BackedUp]):
    """Delete the keys of one room in a backup."""

    room_id: RoomId
    version: str


@frozen(kw_only=True)
class DeleteKey(Call[BackedUp]):
    """Delete a key of a backup."""

    room_id: RoomId
    session_id: str
    version: str


_KEYS = "/_matrix/client/v3/room_keys"
_ROOM = f"{_KEYS}/keys/{{room_id}}"
_SESSION = f"{_ROOM}/{{session_id}}"
_WRONG = ("M_NOT_FOUND", "M_WRONG_ROOM_KEYS_VERSION")

CREATE_BACKUP = Operation(
    name="key_backup.create",
    http=f"POST {_KEYS}/version",
    request=CreateBackup,
    response=BackupVersion,
    rate=Rate.WRITE,
)
GET_BACKUP = Operation(
    name="key_backup.get",
    http=f"GET {_KEYS}/version",
    request=GetBackup,
    response=Backup,
    errors=("M_NOT_FOUND",),
)
GET_BACKUP_VERSION = Operation(
    name="key_backup.get_version",
    http=f"GET {_KEYS}/version/{{version}}",
    request=GetBackupVersion,
    response=Backup,
    errors=("M_NOT_FOUND",),
)
UPDATE_BACKUP = Operation(
    name="key_backup.update",
    http=f"PUT {_KEYS}/version/{{version}}",
    request=UpdateBackup,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_NOT_FOUND", "M_INVALID_PARAM"),
)
DELETE_BACKUP = Operation(
    name="key_backup.delete",
    http=f"DELETE {_KEYS}/version/{{version}}",
    request=DeleteBackup,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_NOT_FOUND",),
)
PUT_KEYS = Operation(
    name="key_backup.put_keys",
    http=f"PUT {_KEYS}/keys",
    request=PutKeys,
    response=BackedUp,
    rate=Rate.WRITE,
    query=("version",),
    errors=_WRONG,
)
PUT_ROOM_KEYS = Operation(
    name="key_backup.put_room_keys",
    http=f"PUT {_ROOM}",
    request=PutRoomKeys,
    response=BackedUp,
    rate=Rate.WRITE,
    query=("version",),
    errors=_WRONG,
)
PUT_KEY = Operation(
    name="key_backup.put_key",
    http=f"PUT {_SESSION}",
    request=PutKey,
    response=BackedUp,
    rate=Rate.WRITE,
    query=("version",),
    errors=_WRONG,
)
GET_KEYS = Operation(
    name="key_backup.get_keys",
    http=f"GET {_KEYS}/keys",
    request=GetKeys,
    response=BackedUpKeys,
    errors=("M_NOT_FOUND",),
)
GET_ROOM_KEYS = Operation(
    name="key_backup.get_room_keys",
    http=f"GET {_ROOM}",
    request=GetRoomKeys,
    response=RoomKeyBackup,
    errors=("M_NOT_FOUND",),
)
GET_KEY = Operation(
    name="key_backup.get_key",
    http=f"GET {_SESSION}",
    request=GetKey,
    response=KeyBackupData,
    errors=("M_NOT_FOUND",),
)
DELETE_KEYS = Operation(
    name="key_backup.delete_keys",
    http=f"DELETE {_KEYS}/keys",
    request=DeleteKeys,
    response=BackedUp,
    rate=Rate.WRITE,
    query=("version",),
    errors=("M_NOT_FOUND",),
)
DELETE_ROOM_KEYS = Operation(
    name="key_backup.delete_room_keys",
    http=f"DELETE {_ROOM}",
    request=DeleteRoomKeys,
    response=BackedUp,
    rate=Rate.WRITE,
    query=("version",),
    errors=("M_NOT_FOUND",),
)
DELETE_KEY = Operation(
    name="key_backup.delete_key",
    http=f"DELETE {_SESSION}",
    request=DeleteKey,
    response=BackedUp,
    rate=Rate.WRITE,
    query=("version",),
    errors=("M_NOT_FOUND",),
)

OPERATIONS = (
    CREATE_BACKUP,
    GET_BACKUP,
    GET_BACKUP_VERSION,
    UPDATE_BACKUP,
    DELETE_BACKUP,
    PUT_KEYS,
    PUT_ROOM_KEYS,
    PUT_KEY,
    GET_KEYS,
    GET_ROOM_KEYS,
    GET_KEY,
    DELETE_KEYS,
    DELETE_ROOM_KEYS,
    DELETE_KEY,
)
