"""One more client of an account: does what it is told, says what it sees.

Each line on its input is an object: {"send": text}, {"read": event ID} or {"expect":
view}; a view is {"timeline", "notifications", "highlights", "receipts"}. It answers
each with a line: the event ID, nothing, or the view that it has in the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import nio

sys.path.insert(0, str(Path(__file__).parent))
from steps import PASSWORD, SERVER, SOON


class Probe:
    def __init__(self, user_id: str, room_id: str) -> None:
        config = nio.AsyncClientConfig(encryption_enabled=False, max_timeouts=2)
        self.client = nio.AsyncClient(SERVER, user_id, config=config)
        self.room_id = room_id
        self.timeline: list[str] = []
        self.client.add_event_callback(self._on_message, nio.RoomMessage)

    async def _on_message(self, _room: Any, event: Any) -> None:
        self.timeline.append(event.event_id)

    def view(self) -> dict[str, Any]:
        room = self.client.rooms[self.room_id]
        return {
            "timeline": self.timeline,
            "notifications": room.unread_notifications,
            "highlights": room.unread_highlights,
            "receipts": {u: r.event_id for u, r in room.read_receipts.items()},
        }

    async def expect(self, view: dict[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(SOON):
                while self.view() != view:
                    await self.client.sync(2000)
        except TimeoutError:
            pass  # what it sees instead is the answer
        return self.view()

    async def send(self, text: str) -> str:
        content = {"msgtype": "m.text", "body": text}
        answer = await self.client.room_send(self.room_id, "m.room.message", content)
        return answer.event_id

    async def read(self, event_id: str) -> None:
        await self.client.update_receipt_marker(
            self.room_id,
            event_id,
            thread_id=None,
        )


async def main() -> None:
    probe = Probe(os.environ["USER_ID"], os.environ["ROOM_ID"])
    await probe.client.login(PASSWORD)
    await probe.client.sync()
    print(json.dumps(probe.view()), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        ((verb, value),) = json.loads(line).items()
        print(json.dumps(await getattr(probe, verb)(value)), flush=True)
    await probe.client.close()


if __name__ == "__main__":
    asyncio.run(main())
