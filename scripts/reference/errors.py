"""With which words a server says no."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from chatproto.errors import ERRCODES
from chatproto.operations.declare import Access
from chatproto.operations.table import OPERATIONS
from chatproto.wire.schema.openapi import COMMON_ERRORS, errcodes
from scripts.reference.markdown import anchor, table

_MEANINGS = {
    "M_BAD_ALIAS": "The alias does not exist, or names another room.",
    "M_BAD_JSON": "The JSON is readable, but not what belongs here; the words name the "
    "field.",
    "M_BAD_STATE": "The state of the room does not allow it.",
    "M_BAD_STATUS": "The application service answered a ping with an error.",
    "M_CANNOT_OVERWRITE_MEDIA": "The announced file has been uploaded already.",
    "M_CONNECTION_FAILED": "The application service cannot be reached.",
    "M_CONNECTION_TIMEOUT": "The application service did not answer in time.",
    "M_DUPLICATE_ANNOTATION": "The same reaction of the same user is there already.",
    "M_EXCLUSIVE": "The name is kept for an application service.",
    "M_FORBIDDEN": "It is not allowed: by the room's rules, to this user, or with this "
    "password.",
    "M_GUEST_ACCESS_FORBIDDEN": "It takes an account, or the room takes no guests.",
    "M_INCOMPATIBLE_ROOM_VERSION": "The room's version is not one that the server knows.",
    "M_INVALID_PARAM": "A parameter has a value that means nothing here.",
    "M_INVALID_ROOM_STATE": "What the room was to begin with contradicts its rules.",
    "M_INVALID_SIGNATURE": "A key is not signed by the one that has to sign it.",
    "M_INVALID_USERNAME": "The user name has letters that none may have.",
    "M_LIMIT_EXCEEDED": "Too many calls, or the server is behind with storing; wait for "
    "`retry_after_ms` and try again.",
    "M_MISSING_PARAM": "A required field is missing.",
    "M_MISSING_TOKEN": "There is no access token.",
    "M_NOT_FOUND": "It does not exist, or the caller may not know that it does.",
    "M_NOT_JSON": "The body cannot be read as JSON.",
    "M_NOT_YET_UPLOADED": "The file is announced, but did not come while one waited.",
    "M_RESOURCE_LIMIT_EXCEEDED": "The server has reached a limit of its operator.",
    "M_ROOM_IN_USE": "The alias is taken.",
    "M_THREEPID_DENIED": "E-mail addresses and telephone numbers are not kept here.",
    "M_TOO_LARGE": "It has too many bytes.",
    "M_UNAUTHORIZED": "The password or another stage has to be passed first.",
    "M_UNAVAILABLE": "It could not be stored, and nothing of it has happened; try again.",
    "M_UNKNOWN": "Something else; the words say what.",
    "M_UNKNOWN_POS": "The position cannot be resumed; sync anew without one.",
    "M_UNKNOWN_TOKEN": "The access token is not known, has ended or has expired; with "
    "`soft_logout` a refresh or a new log-in on the same device is enough.",
    "M_UNRECOGNIZED": "There is no such path, verb or operation.",
    "M_UNSUPPORTED_ROOM_VERSION": "Rooms of this version are not made here.",
    "M_URL_NOT_SET": "The registration of the application service has no URL.",
    "M_USER_DEACTIVATED": "The account has been closed.",
    "M_USER_IN_USE": "The user name is taken.",
    "M_USER_LOCKED": "The account is locked.",
    "M_WEAK_PASSWORD": "The password is too short or too long.",
    "M_WRONG_ROOM_KEYS_VERSION": "The backup of keys has another version by now.",
}
TOKEN_ERRORS = ("M_MISSING_TOKEN", "M_UNKNOWN_TOKEN", "M_USER_LOCKED")
MOST = 10  # longer lists help nobody
_INTRO = """# Errcodes

A refusal is JSON with `errcode` and `error`, words for people that may change; where it
helps to wait, `retry_after_ms`. Over HTTP it is the body, and the status is the usual one
of the errcode unless stated otherwise; on the socket it is the `err` of a reply. The codes
are the Matrix specification's where it has one for the case.

Statuses beyond these tell of HTTP itself: 405 (no such verb at this path), 408 (too slow),
413 and 431 (too large), 415 (a compressed body), 426 (not a WebSocket handshake). 500 is
a mistake of the server, which it has logged, and 503 says that it cannot store now.

In Python a refusal is `MatrixError`; `LocalError` is a mistake of the caller, `RemoteError`
one of the other side.
"""


def page() -> str:
    rows = [
        (f"`{code}`", status, _MEANINGS[code], _users(code))
        for code, status in ERRCODES.items()
    ]
    return "\n".join(
        [_INTRO, table(("errcode", "usual status", "meaning", "by"), rows)]
    )


def _users(code: str) -> str:
    if code in (*COMMON_ERRORS, "M_UNKNOWN"):
        return "any operation"
    if code not in _raised():
        return "not used yet"
    named = [op for op in OPERATIONS if code in errcodes(op)]
    if code not in TOKEN_ERRORS and len(named) > MOST:
        return f"{len(named)} operations; each says so"
    if code in TOKEN_ERRORS:
        named = [op for op in named if op.access is Access.PUBLIC]
    users = [f"[{op.name}](operations.md#{anchor(op.name)})" for op in named]
    if code in TOKEN_ERRORS:
        users.insert(0, "any operation that needs a token")
    return ", ".join(users) or "any operation"


@cache
def _raised() -> set[str]:
    """The errcodes that the source names besides the table of them."""
    sources = [p for folder in ("src", "reference_server") for p in _files(folder)]
    return {code for path in sources for code in re.findall(r"M_[A-Z_]+", path)}


def _files(folder: str) -> list[str]:
    paths = sorted(Path(folder).rglob("*.py"))
    return [path.read_text() for path in paths if path.name != "errors.py"]
