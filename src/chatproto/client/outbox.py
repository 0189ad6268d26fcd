"""What was said and not stored yet, on the disk: it survives the program."""

from __future__ import annotations

import json
import os
from pathlib import Path

from attrs import field, frozen

from chatproto.errors import LocalError
from chatproto.ids import DeviceId, UserId, localpart
from chatproto.sync.outbox import Outbox


@frozen(kw_only=True)
class Stored:
    """An outbox with whose it is. Repeats are known by the device that sent them."""

    user_id: UserId | None = None
    device_id: DeviceId | None = None
    outbox: Outbox = field(factory=Outbox)

    def device_of(self, user: str | None) -> DeviceId | None:
        """The device, if the outbox is that of a user by name or ID."""
        own = self.user_id or ""
        return self.device_id if user in (own, localpart(own)) else None


@frozen
class OutboxFile:
    """Keeps an outbox as JSON; each change is on the disk before it counts."""

    path: Path

    def load(self) -> Stored:
        """Raises LocalError if the file holds something else."""
        try:
            kept = json.loads(self.path.read_text())
            outbox = Outbox.of_json(kept["entries"])
            return Stored(
                user_id=kept["user_id"], device_id=kept["device_id"], outbox=outbox
            )
        except FileNotFoundError:
            return Stored()
        except (ValueError, TypeError, LookupError) as error:
            raise LocalError(f"{self.path} does not hold an outbox: {error}") from None

    def save(self, stored: Stored) -> None:
        """Replace the file whole, so that a crash leaves the old or the new one."""
        kept = {
            "user_id": stored.user_id,
            "device_id": stored.device_id,
            "entries": stored.outbox.to_json(),
        }
        partial = self.path.with_name(f"{self.path.name}.part")
        with partial.open("w") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)
