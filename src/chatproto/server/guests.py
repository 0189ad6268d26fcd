"""What guests may do: read and write in rooms that let them in, and little else."""

from __future__ import annotations

from collections.abc import Sequence

from chatproto.decisions import Caller
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft
from chatproto.operations import (
    account_data,
    accounts,
    discovery,
    keys,
    media,
    messages,
    profiles,
    rooms,
    sliding_sync,
    sync,
)
from chatproto.operations.declare import Access, Operation
from chatproto.rooms.state import RoomState

# Specification, "Guest access", and beyond it what a client cannot do without: its
# filters, the server's limits, pictures, the way in over a socket, and out.
_OPERATIONS: Sequence[Operation] = (
    messages.GET_ALL_STATE,
    messages.GET_STATE,
    messages.GET_CONTEXT,
    messages.GET_EVENT,
    messages.GET_HISTORY,
    messages.GET_MEMBERS,
    messages.SEND_EVENT,
    messages.SET_STATE,
    account_data.SEND_TO_DEVICE,
    rooms.JOIN_ROOM,
    rooms.JOIN_BY_ID_OR_ALIAS,
    rooms.LEAVE_ROOM,
    rooms.LIST_JOINED_ROOMS,
    profiles.SET_DISPLAY_NAME,
    accounts.LIST_DEVICES,
    accounts.GET_DEVICE,
    accounts.RENAME_DEVICE,
    accounts.WHOAMI,
    accounts.LOGOUT,
    accounts.MAKE_TICKET,
    keys.UPLOAD_KEYS,
    keys.QUERY_KEYS,
    keys.CLAIM_KEYS,
    sync.SYNC,
    sync.STORE_FILTER,
    sync.GET_FILTER,
    sliding_sync.SLIDING_SYNC,
    discovery.GET_CAPABILITIES,
    media.GET_MEDIA_CONFIG,
    media.DOWNLOAD,
    media.DOWNLOAD_NAMED,
    media.GET_THUMBNAIL,
)
_NAMES = frozenset(operation.name for operation in _OPERATIONS)


def require_open_to(caller: Caller, operation: Operation) -> None:
    """Raises MatrixError M_GUEST_ACCESS_FORBIDDEN for a guest in the wrong place."""
    is_open = operation.access is Access.PUBLIC or operation.name in _NAMES
    if caller.is_guest and not is_open:
        raise MatrixError("M_GUEST_ACCESS_FORBIDDEN", "this takes an account")


def require_let_in(caller: Caller, draft: EventDraft, state: RoomState) -> None:
    """Raises MatrixError M_GUEST_ACCESS_FORBIDDEN for a guest at a closed door."""
    if (
        caller.is_guest
        and draft.type == "m.room.member"
        and draft.content.get("membership") == "join"
        and not lets_guests_in(state)
    ):
        raise MatrixError("M_GUEST_ACCESS_FORBIDDEN", "this room takes no guests")


def lets_guests_in(state: RoomState) -> bool:
    return state.content("m.room.guest_access").get("guest_access") == "can_join"


def may_be_guest(user_id: str) -> bool:
    """Whether a user is called as guests are; nobody registers with such a name."""
    return user_id[1:].partition(":")[0].isdigit()
