"""Errors name who is to blame: us (LocalError), the peer (RemoteError), or nobody.

MatrixError is the legal answer "no". It has an errcode of the Matrix specification,
the HTTP status that goes with it, and words for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

ERRCODES: Mapping[str, int] = MappingProxyType(
    {
        "M_BAD_ALIAS": 400,
        "M_BAD_JSON": 400,
        "M_BAD_STATE": 400,
        "M_BAD_STATUS": 502,
        "M_CANNOT_OVERWRITE_MEDIA": 409,
        "M_CONNECTION_FAILED": 502,
        "M_CONNECTION_TIMEOUT": 504,
        "M_DUPLICATE_ANNOTATION": 400,
        "M_EXCLUSIVE": 400,
        "M_FORBIDDEN": 403,
        "M_GUEST_ACCESS_FORBIDDEN": 403,
        "M_INCOMPATIBLE_ROOM_VERSION": 400,
        "M_INVALID_PARAM": 400,
        "M_INVALID_ROOM_STATE": 400,
        "M_INVALID_SIGNATURE": 400,
        "M_INVALID_USERNAME": 400,
        "M_LIMIT_EXCEEDED": 429,
        "M_MISSING_PARAM": 400,
        "M_MISSING_TOKEN": 401,
        "M_NOT_FOUND": 404,
        "M_NOT_JSON": 400,
        "M_NOT_YET_UPLOADED": 504,
        "M_RESOURCE_LIMIT_EXCEEDED": 403,
        "M_ROOM_IN_USE": 400,
        "M_THREEPID_DENIED": 403,
        "M_TOO_LARGE": 413,
        "M_UNAUTHORIZED": 401,
        "M_UNAVAILABLE": 503,
        "M_UNKNOWN": 400,
        "M_UNKNOWN_POS": 400,
        "M_UNKNOWN_TOKEN": 401,
        "M_UNRECOGNIZED": 404,
        "M_UNSUPPORTED_ROOM_VERSION": 400,
        "M_URL_NOT_SET": 400,
        "M_USER_DEACTIVATED": 403,
        "M_USER_IN_USE": 400,
        "M_USER_LOCKED": 401,
        "M_WEAK_PASSWORD": 400,
        "M_WRONG_ROOM_KEYS_VERSION": 403,
    },
)


class ChatprotoError(Exception):
    """Whatever this library raises on purpose."""


class LocalError(ChatprotoError):
    """The caller misused the library; a mistake to be fixed in the caller's code."""


class RemoteError(ChatprotoError):
    """The peer broke the protocol; close the connection."""


class MatrixError(ChatprotoError):
    """The answer "no", with an errcode and the words to show.

    `status` is the HTTP status, by default the errcode's; `retry_after_ms` says when
    to try again; `extra` are further fields of the JSON answer.
    """

    def __init__(
        self,
        errcode: str,
        error: str,
        *,
        status: int | None = None,
        retry_after_ms: int | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(errcode, error)
        self.errcode = errcode
        self.error = error
        self.status = ERRCODES.get(errcode, 400) if status is None else status
        self.retry_after_ms = retry_after_ms
        self.extra = extra or {}

    def __str__(self) -> str:
        return f"{self.errcode}: {self.error}"

    def to_json(self) -> dict[str, Any]:
        json: dict[str, Any] = {"errcode": self.errcode, "error": self.error}
        if self.retry_after_ms is not None:
            json["retry_after_ms"] = self.retry_after_ms
        return {**json, **self.extra}
