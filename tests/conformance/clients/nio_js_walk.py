"""The half of Boris, who has nio, in a conversation with Anna, who has matrix-js-sdk."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import nio

sys.path.insert(0, str(Path(__file__).parent))
from nio_encrypted_walk import Person, right
from steps import equal, take


class World:
    """Boris, the room, and what was said there."""

    def __init__(self) -> None:
        self.boris = Person(os.environ["BORIS"], "boris")
        self.room = ""
        self.question: Any = None

    async def hears(self, text: str) -> Any:
        """A message of this text, once it is decrypted."""
        found: list[Any] = await self.boris.until(
            lambda: [
                event
                for event in self.boris.events.values()
                if getattr(event, "body", None) == text
            ],
        )
        assert found[0].decrypted
        return found[0]


async def step_upload_keys(world: World) -> None:
    await world.boris.log_in()
    await world.boris.sync()
    await world.boris.sync()
    assert world.boris.one_time_keys


async def step_join(world: World) -> None:
    invited = world.boris.client.invited_rooms
    world.room = next(iter(await world.boris.until(lambda: dict(invited))))
    right(await world.boris.client.join(world.room))
    room = await world.boris.until(lambda: world.boris.client.rooms.get(world.room))
    assert room.encrypted


async def step_read_question(world: World) -> None:
    world.question = await world.hears("Do you read this?")


async def step_answer(world: World) -> None:
    relation = {"m.in_reply_to": {"event_id": world.question.event_id}}
    answer = await world.boris.client.room_send(
        world.room,
        "m.room.message",
        {"msgtype": "m.text", "body": "I do.", "m.relates_to": relation},
        ignore_unverified_devices=True,
    )
    answer_id = right(answer).event_id
    reaction = await world.boris.until(
        lambda: [
            event
            for event in world.boris.events.values()
            if isinstance(event, nio.ReactionEvent)
        ],
    )
    equal((reaction[0].reacts_to, reaction[0].key), (answer_id, "👍"))


async def step_send_file(world: World) -> None:
    content = b"what is in the file"
    answer, keys = await world.boris.client.upload(
        io.BytesIO(content),
        "application/octet-stream",
        "secret.bin",
        encrypt=True,
        filesize=len(content),
    )
    file = {"url": right(answer).content_uri, **(keys or {})}
    message = {"msgtype": "m.file", "body": "secret.bin", "file": file}
    assert "what is in" not in json.dumps(message)
    right(
        await world.boris.client.room_send(
            world.room, "m.room.message", message, ignore_unverified_devices=True
        ),
    )


async def step_part(world: World) -> None:
    await world.hears("Thank you.")
    await world.boris.say(world.room, "Goodbye.")


async def main() -> None:
    world = World()
    await take(globals(), world)
    await world.boris.client.close()


if __name__ == "__main__":
    asyncio.run(main())
