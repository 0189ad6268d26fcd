"""Encrypted conversations of matrix-nio, before and after a restart of everything.

PHASE says which steps are taken; the keys and what Anna and Boris know are in STORE.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nio

sys.path.insert(0, str(Path(__file__).parent))
from steps import PASSWORD, SERVER, SOON, equal, take

STORE = Path(os.environ["STORE"])
PHASE = os.environ["PHASE"]
KNOWN = STORE / "known.json"


class Person:
    """A client that keeps its keys in a folder, and does what they ask for."""

    def __init__(self, user_id: str, folder: str) -> None:
        path = STORE / folder
        path.mkdir(exist_ok=True)
        config = nio.AsyncClientConfig(store_sync_tokens=True, max_timeouts=2)
        self.client = nio.AsyncClient(SERVER, user_id, "", str(path), config)
        self.events: dict[str, Any] = {}
        self.one_time_keys: int | None = None
        self.client.add_event_callback(self._on_event, nio.Event)

    async def _on_event(self, _room: Any, event: Any) -> None:
        self.events[event.event_id] = event

    async def log_in(self) -> None:
        right(await self.client.login(PASSWORD, device_name="nio"))

    def restore(self, known: dict[str, str]) -> None:
        self.client.restore_login(self.client.user, known["device"], known["token"])

    def known(self) -> dict[str, str]:
        return {
            "device": self.client.device_id,
            "token": self.client.access_token,
        }

    async def sync(self, wait_ms: int = 0, *, full: bool = False) -> None:
        answer = right(await self.client.sync(timeout=wait_ms, full_state=full))
        self.one_time_keys = answer.device_key_count.signed_curve25519
        await self.client.send_to_device_messages()
        if self.client.should_upload_keys:
            right(await self.client.keys_upload())
        if self.client.should_query_keys:
            right(await self.client.keys_query())
        if self.client.should_claim_keys:
            users = self.client.get_users_for_key_claiming()
            right(await self.client.keys_claim(users))

    async def until(self, what: Callable[[], Any]) -> Any:
        """Sync until something is there, and give it."""
        async with asyncio.timeout(SOON):
            while not (found := what()):
                await self.sync(2000)
        return found

    async def say(self, room_id: str, text: str) -> str:
        answer = await self.client.room_send(
            room_id,
            "m.room.message",
            {"msgtype": "m.text", "body": text},
            ignore_unverified_devices=True,
        )
        return right(answer).event_id

    async def reads(self, event_id: str, text: str) -> None:
        """What arrives was decrypted to this text."""
        event = await self.until(lambda: self.events.get(event_id))
        assert isinstance(event, nio.RoomMessageText), event
        equal((event.body, event.decrypted), (text, True))


def right(response: Any) -> Any:
    assert not isinstance(response, nio.ErrorResponse), response
    return response


class World:
    """Who is there, and what they know of the phase before."""

    def __init__(self) -> None:
        self.anna = Person(os.environ["ANNA"], "anna")
        self.boris = Person(os.environ["BORIS"], "boris")
        self.second = Person(os.environ["BORIS"], "second")
        self.room = ""
        self.waiting = ""
        if KNOWN.exists():
            known = json.loads(KNOWN.read_text())
            self.room, self.waiting = known["room"], known["waiting"]
            self.anna.restore(known["anna"])
            self.boris.restore(known["boris"])

    def keep(self) -> None:
        known = {
            "anna": self.anna.known(),
            "boris": self.boris.known(),
            "room": self.room,
            "waiting": self.waiting,
        }
        KNOWN.write_text(json.dumps(known))


async def step_before_upload_keys(world: World) -> None:
    for person in (world.anna, world.boris):
        await person.log_in()
        assert person.client.should_upload_keys
        await person.sync()
        await person.sync()
        assert person.one_time_keys, person.one_time_keys
        assert not person.client.should_upload_keys


async def step_before_create_encrypted_room(world: World) -> None:
    answer = await world.anna.client.room_create(
        name="Secrets",
        invite=[world.boris.client.user_id],
        initial_state=[nio.EnableEncryptionBuilder().as_dict()],
    )
    world.room = right(answer).room_id
    right(await world.boris.client.join(world.room))
    for person in (world.anna, world.boris):
        room = await person.until(lambda p=person: p.client.rooms.get(world.room))
        assert room.encrypted
        await person.until(lambda room=room: len(room.users) == 2)
        await person.sync()


async def step_before_send_encrypted(world: World) -> None:
    count = world.boris.one_time_keys
    event_id = await world.anna.say(world.room, "a secret")
    await world.boris.reads(event_id, "a secret")
    equal(world.boris.one_time_keys, count - 1)
    answer = await world.boris.client.send(
        "GET",
        f"/_matrix/client/v3/rooms/{world.room}/event/{event_id}",
        headers={"Authorization": f"Bearer {world.boris.client.access_token}"},
    )
    stored = await answer.json()
    equal(stored["type"], "m.room.encrypted")
    assert "secret" not in json.dumps(stored["content"])


async def step_before_answer_encrypted(world: World) -> None:
    event_id = await world.boris.say(world.room, "another secret")
    await world.anna.reads(event_id, "another secret")


async def step_before_send_to_somebody_away(world: World) -> None:
    await world.boris.sync()
    world.anna.client.invalidate_outbound_session(world.room)
    world.waiting = await world.anna.say(world.room, "for later")
    world.keep()


async def step_after_decrypt_what_waited(world: World) -> None:
    await world.boris.sync(full=True)
    await world.anna.sync(full=True)
    await world.boris.reads(world.waiting, "for later")


async def step_after_send_encrypted(world: World) -> None:
    event_id = await world.boris.say(world.room, "still secret")
    await world.anna.reads(event_id, "still secret")


async def step_after_one_time_keys_are_left(world: World) -> None:
    await world.boris.sync()
    assert world.boris.one_time_keys, world.boris.one_time_keys


async def step_after_new_device_gets_the_keys(world: World) -> None:
    await world.second.log_in()
    await world.second.sync()
    await world.second.sync()
    devices = world.anna.client.device_store[world.boris.client.user_id]
    await world.anna.until(lambda: world.second.client.device_id in devices)
    world.anna.client.invalidate_outbound_session(world.room)
    event_id = await world.anna.say(world.room, "to both of you")
    await world.second.reads(event_id, "to both of you")
    await world.boris.reads(event_id, "to both of you")


async def step_after_device_that_logged_out_is_gone(world: World) -> None:
    device = world.second.client.device_id
    right(await world.second.client.logout())
    store = world.anna.client.device_store
    user = world.boris.client.user_id
    await world.anna.until(
        lambda: device not in [d.id for d in store.active_user_devices(user)],
    )
    world.anna.client.invalidate_outbound_session(world.room)
    event_id = await world.anna.say(world.room, "to one again")
    await world.boris.reads(event_id, "to one again")


async def main() -> None:
    world = World()
    steps = {n: s for n, s in globals().items() if n.startswith(f"step_{PHASE}_")}
    await take(steps, world)
    for person in (world.anna, world.boris, world.second):
        await person.client.close()


if __name__ == "__main__":
    asyncio.run(main())
