"""What is asked of users, of what is new for them, and of their keys."""

from __future__ import annotations

from collections.abc import (
    Collection,
    Sequence,
)
from typing import Protocol

from chatproto.canonical import JsonObject
from chatproto.decisions import Row
from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.ports.rows import (
    AccountDataRow,
    DeviceChanges,
    EventHead,
    KeyCounts,
    MembershipRow,
    ReceiptRow,
    ToDeviceRow,
    Unread,
    UnreadEvent,
)


class UserReads(Protocol):
    """Memberships and directories."""

    async def membership(
        self, room_id: RoomId, user_id: UserId
    ) -> MembershipRow | None: ...
    async def memberships(self, user_id: UserId) -> Sequence[MembershipRow]: ...
    async def local_members(self, room_id: RoomId) -> Sequence[UserId]:
        """This server's users who have joined the room."""
        ...

    async def shared_users(self, user_id: UserId) -> Sequence[UserId]:
        """Everyone who is in a room with the user."""
        ...

    async def search_users(
        self, user_id: UserId, term: str, limit: int
    ) -> Sequence[Row]:
        """Users (user_id, display_name, avatar_url) by any word part, caseless."""
        ...

    async def statuses(self) -> Sequence[Row]:
        """Users who have a status text: user_id, status_msg, status_expires_ts."""
        ...

    async def public_rooms(
        self, *, term: str | None, offset: int, limit: int
    ) -> tuple[Sequence[RoomId], int]:
        """Listed rooms, the largest first, and how many match."""
        ...

    async def joined_count(self, room_id: RoomId) -> int: ...

    async def media_bytes(self, user_id: UserId, since: int) -> tuple[int, int]:
        """How many bytes a user has uploaded in all, and since a time."""
        ...


class StreamReads(Protocol):
    """What is new for a user or device, and how much is unread."""

    async def rooms_changed(
        self, user_id: UserId, after: int, until: int
    ) -> Sequence[RoomId]:
        """Rooms the user is in that got an event in (after, until]."""
        ...

    async def receipts(
        self, room_ids: Sequence[RoomId], *, after: int, until: int
    ) -> Sequence[ReceiptRow]: ...
    async def receipts_of(
        self, room_id: RoomId, user_id: UserId
    ) -> Sequence[ReceiptRow]: ...
    async def account_data(
        self, user_id: UserId, *, after: int, until: int
    ) -> Sequence[AccountDataRow]: ...
    async def account_datum(
        self, user_id: UserId, room_id: RoomId | None, event_type: str
    ) -> JsonObject | None: ...
    async def to_device(
        self,
        user_id: UserId,
        device_id: DeviceId,
        *,
        after: int,
        until: int,
        limit: int,
    ) -> Sequence[ToDeviceRow]: ...
    def confirm_to_device(
        self, user_id: UserId, device_id: DeviceId, through: int
    ) -> None:
        """Forget what the device has confirmed; need not be durable at once."""
        ...

    async def event_heads(
        self, *, after: int, until: int, limit: int
    ) -> Sequence[EventHead]:
        """The events of all rooms in (after, until], oldest first."""
        ...

    async def unread(
        self,
        room_id: RoomId,
        user_id: UserId,
        *,
        through: int,
        read_seq: int = 0,
        by_thread: bool = False,
    ) -> Unread:
        """Unread counts, as docs/protocol/sync.md says, after the user's read position
        or after `read_seq`, whichever is further. `by_thread` counts threads apart.
        """
        ...

    async def unread_events(
        self,
        room_id: RoomId,
        user_id: UserId,
        *,
        after: int,
        through: int,
        types: Collection[str],
        limit: int,
    ) -> Sequence[UnreadEvent]:
        """Others' messages of these types, the newest first, without edits and without
        what has been redacted.
        """
        ...


class KeyReads(Protocol):
    """Counts of keys, changes of device lists, backups."""

    async def key_counts(self, user_id: UserId, device_id: DeviceId) -> KeyCounts: ...
    async def device_changes(
        self, user_id: UserId, *, after: int, until: int
    ) -> DeviceChanges:
        """Whose devices changed in (after, until], as far as they share a room with the
        user; who came to share one; and who shares none any more.
        """
        ...

    async def backed_up(
        self,
        user_id: UserId,
        version: int,
        sessions: Sequence[tuple[RoomId, str]],
    ) -> Sequence[Row]:
        """The rows of these sessions, as far as they are in a backup of keys."""
        ...

    async def backed_up_count(self, user_id: UserId, version: int) -> int: ...
