"""Identifiers: parsed once, then strings of a type of their own.

The grammar is that of the Matrix specification (appendices, "Identifier Grammar").
"""

from __future__ import annotations

import re
from typing import NewType

from chatproto.errors import LocalError, MatrixError

UserId = NewType("UserId", str)
RoomId = NewType("RoomId", str)
EventId = NewType("EventId", str)
DeviceId = NewType("DeviceId", str)
TxnId = NewType("TxnId", str)
ServerName = NewType("ServerName", str)
RoomAlias = NewType("RoomAlias", str)
MxcUri = NewType("MxcUri", str)

MAX_BYTES = 255

_HOST = r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})"
_SERVER = re.compile(rf"{_HOST}(?::[0-9]{{1,5}})?")
_LOCALPART = re.compile(r"[a-z0-9._=/+-]+")
_OPAQUE = re.compile(r"[^\s\x00-\x1f:]{1,255}")
# Ours are a hash; rooms of the first versions name events in other ways.
_EVENT = re.compile(r"\$[^\s\x00-\x1f]{1,254}")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
_MXC = re.compile(rf"mxc://({_SERVER.pattern})/([0-9A-Za-z_-]{{1,255}})")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ROOM_ID_LETTERS = 18


def parse_server_name(text: object) -> ServerName:
    """Raises MatrixError M_INVALID_PARAM."""
    if isinstance(text, str) and _SERVER.fullmatch(text) and len(text) <= MAX_BYTES:
        return ServerName(text)
    raise _refused("server name", "host or host:port", text)


def parse_user_id(text: object) -> UserId:
    """Read a user ID, historical localparts included. Raises MatrixError."""
    if _has_sigil(text, "@", "\0"):
        return UserId(str(text))
    raise _refused("user ID", "@name:server", text)


def parse_new_localpart(text: object) -> str:
    """Read the name for a new account, in lower case. Raises MatrixError."""
    if isinstance(text, str) and text.isascii():
        lower = text.lower()
        if _LOCALPART.fullmatch(lower) and len(lower) <= MAX_BYTES // 2:
            return lower
    raise _refused("user name", "letters a-z, digits and ._=-/+", text)


def parse_room_id(text: object) -> RoomId:
    """Read a room ID, with a server's name or (from version 12) without."""
    if isinstance(text, str) and text[:1] == "!" and _fits(text):
        opaque, colon, server = text[1:].partition(":")
        if _OPAQUE.fullmatch(opaque) and (not colon or _SERVER.fullmatch(server)):
            return RoomId(text)
    raise _refused("room ID", "!opaque:server", text)


def parse_event_id(text: object) -> EventId:
    """Raises MatrixError M_INVALID_PARAM."""
    if isinstance(text, str) and _EVENT.fullmatch(text) and _fits(text):
        return EventId(text)
    raise _refused("event ID", "$ and 43 characters", text)


def parse_room_alias(text: object) -> RoomAlias:
    """Raises MatrixError M_INVALID_PARAM."""
    if _has_sigil(text, "#", "\0") and not str(text).startswith("#:"):
        return RoomAlias(str(text))
    raise _refused("room alias", "#name:server", text)


def parse_device_id(text: object) -> DeviceId:
    """Raises MatrixError M_INVALID_PARAM."""
    if isinstance(text, str) and _PRINTABLE.fullmatch(text) and _fits(text):
        return DeviceId(text)
    raise _refused("device ID", "1 to 255 printable bytes", text)


def parse_txn_id(text: object) -> TxnId:
    """Raises MatrixError M_INVALID_PARAM."""
    if isinstance(text, str) and _PRINTABLE.fullmatch(text) and _fits(text):
        return TxnId(text)
    raise _refused("transaction ID", "1 to 255 printable bytes", text)


def parse_mxc(text: object) -> MxcUri:
    """Raises MatrixError M_INVALID_PARAM."""
    if isinstance(text, str) and _MXC.fullmatch(text):
        return MxcUri(text)
    raise _refused("media URI", "mxc://server/id", text)


def parse_event_type(text: object) -> str:
    """Raises MatrixError M_INVALID_PARAM."""
    if isinstance(text, str) and text and "\0" not in text and _fits(text):
        return text
    raise _refused("event type", "1 to 255 bytes without NUL", text)


def localpart(user_id: str) -> str:
    return user_id[1:].partition(":")[0]


def server_name(identifier: str) -> ServerName:
    """What stands behind the first colon; empty if there is none."""
    return ServerName(identifier.partition(":")[2])


def media_id(uri: str) -> tuple[ServerName, str]:
    """The server and the media ID of a media URI. Raises MatrixError."""
    server, _, name = parse_mxc(uri)[len("mxc://") :].partition("/")
    return ServerName(server), name


def user_id(localpart: str, server: ServerName) -> UserId:
    return parse_user_id(f"@{localpart}:{server}")


def room_id_from(random: bytes, server: ServerName) -> RoomId:
    """A room ID of 18 letters, one for each of as many random bytes.

    Raises LocalError if there are fewer.
    """
    if len(random) < _ROOM_ID_LETTERS:
        raise LocalError(f"a room ID needs {_ROOM_ID_LETTERS} random bytes")
    letters = "".join(
        _LETTERS[byte % len(_LETTERS)] for byte in random[:_ROOM_ID_LETTERS]
    )
    return RoomId(f"!{letters}:{server}")


def _has_sigil(text: object, sigil: str, forbidden: str) -> bool:
    if not isinstance(text, str) or text[:1] != sigil or not _fits(text):
        return False
    name, colon, server = text[1:].partition(":")
    return bool(colon) and forbidden not in name and bool(_SERVER.fullmatch(server))


def _fits(text: str) -> bool:
    try:
        return len(text.encode()) <= MAX_BYTES
    except UnicodeEncodeError:
        return False


def _refused(what: str, rule: str, got: object) -> MatrixError:
    shown = repr(got)[:60] if isinstance(got, str) else type(got).__name__
    return MatrixError("M_INVALID_PARAM", f"a {what} is {rule}; got {shown}")
