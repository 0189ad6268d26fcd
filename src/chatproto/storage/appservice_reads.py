"""What is asked for application services."""

from __future__ import annotations

from collections.abc import Sequence

from chatproto.ports import EventHead
from chatproto.storage.reads import Reads


class AppserviceReads(Reads):
    """The events of all rooms, in the order in which they were stored."""

    async def event_heads(
        self, *, after: int, until: int, limit: int
    ) -> Sequence[EventHead]:
        found = self._all(
            """select pos, room_id, seq, type, sender, state_key from events
            where pos>? and pos<=? order by pos limit ?""",
            after,
            until,
            limit,
        )
        return [EventHead(*row) for row in found]
