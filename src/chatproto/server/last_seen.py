"""When and from where a device was last seen, noted now and then."""

from __future__ import annotations

from attrs import define, field

from chatproto.decisions import Caller, Update
from chatproto.ids import DeviceId, UserId

# A list of sessions need not be more exact, and a write costs something.
NOTED_EVERY_MS = 10 * 60_000
MAX_REMEMBERED = 20_000


@define(eq=False)
class LastSeen:
    """Says when a device's row is to be brought up to date."""

    _noted: dict[tuple[UserId, DeviceId], tuple[int, str]] = field(factory=dict)

    def note(self, caller: Caller, now_ms: int) -> Update | None:
        """What to write now that a device has called; None if that can wait."""
        if caller.user_id is None or caller.device_id is None:
            return None
        key = caller.user_id, caller.device_id
        then_ms, address = self._noted.get(key, (None, ""))
        moved = bool(caller.address) and caller.address != address
        if then_ms is not None and now_ms - then_ms < NOTED_EVERY_MS and not moved:
            return None
        if len(self._noted) >= MAX_REMEMBERED:
            self._noted.clear()
        self._noted[key] = now_ms, caller.address
        row: dict[str, object] = {"last_seen_ts": now_ms}
        if caller.address:
            row["last_seen_ip"] = caller.address
        where = {"user_id": caller.user_id, "device_id": caller.device_id}
        return Update(table="devices", where=where, set=row)
