"""Room versions: what differs between them, as values."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from chatproto.errors import MatrixError
from chatproto.events.redaction import RULES_V10, RULES_V11, RedactionRules


@frozen
class RoomVersion:
    """The knobs of one room version.

    `redacts_in_content` says where a redaction names its target; `creator_in_content`
    whether the create event names the creator, who otherwise is its sender;
    `room_id_is_hash` whether a room is named by the hash of its create event, whose
    creators then stand above all power levels.
    """

    id: str
    redaction: RedactionRules
    redacts_in_content: bool
    creator_in_content: bool
    room_id_is_hash: bool = False


V10 = RoomVersion("10", RULES_V10, redacts_in_content=False, creator_in_content=True)
V11 = RoomVersion("11", RULES_V11, redacts_in_content=True, creator_in_content=False)

ROOM_VERSIONS: Mapping[str, RoomVersion] = MappingProxyType({"10": V10, "11": V11})

# What new rooms may be made of; version 10 is there to verify older signatures.
OFFERED_VERSIONS = ("11",)


def room_version(version: str) -> RoomVersion:
    """Raises MatrixError M_UNSUPPORTED_ROOM_VERSION."""
    found = ROOM_VERSIONS.get(version)
    if found is None:
        raise MatrixError(
            "M_UNSUPPORTED_ROOM_VERSION",
            f"room version {version[:20]!r} is not known here",
        )
    return found


def offered_version(version: str) -> RoomVersion:
    """A version to make rooms of; raises MatrixError M_UNSUPPORTED_ROOM_VERSION."""
    found = room_version(version)
    if found.id not in OFFERED_VERSIONS:
        raise MatrixError(
            "M_UNSUPPORTED_ROOM_VERSION",
            f"rooms of version {found.id} are not made here",
        )
    return found
