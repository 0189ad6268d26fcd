"""The outbox on the disk: what was sent offline survives the program."""

from __future__ import annotations

import json
import os
from pathlib import Path

from attrs import frozen

from chatproto.sync.outbox import Outbox


@frozen
class OutboxFile:
    """Keeps an outbox as JSON; each change is on the disk before it counts."""

    path: Path

    def load(self) -> Outbox:
        if not self.path.exists():
            return Outbox()
        return Outbox.of_json(json.loads(self.path.read_text()))

    def save(self, outbox: Outbox) -> None:
        """Replace the file whole, so that a crash leaves the old or the new one."""
        partial = self.path.with_suffix(".part")
        with partial.open("w") as file:
            json.dump(outbox.to_json(), file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)
