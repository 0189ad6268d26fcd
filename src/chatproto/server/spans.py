"""What one sync body is about, and what was found for it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import DeviceId, RoomId, UserId
from chatproto.ports import AccountDataRow, ReceiptRow
from chatproto.server.filters import SyncFilter
from chatproto.server.positions import Position


@frozen(kw_only=True)
class Span:
    """What one body is about."""

    user_id: UserId
    device_id: DeviceId | None
    since: Position | None
    until: Position
    want: SyncFilter
    now_ms: int

    @property
    def after(self) -> int:
        return self.since.pos if self.since else 0

    @property
    def eph(self) -> int:
        """Ephemeral news of another start of the server are all news."""
        same = self.since is not None and self.since.boot == self.until.boot
        return self.since.eph if same and self.since else 0


@define
class RoomNews:
    receipts: list[ReceiptRow] = field(factory=list)
    account_data: list[AccountDataRow] = field(factory=list)


def account_events(
    rows: Sequence[AccountDataRow],
    room_id: RoomId | None,
    want: SyncFilter,
) -> list[JsonObject]:
    passes = want.account_data if room_id is None else want.room_account_data
    events = [
        {"type": r.type, "content": r.content} for r in rows if r.room_id == room_id
    ]
    return [e for e in events if passes.passes(e)]


def put_events(body: JsonObject, key: str, events: list[JsonObject]) -> None:
    if events:
        body[key] = {"events": events}
