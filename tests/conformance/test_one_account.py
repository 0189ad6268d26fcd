"""A native session and Matrix clients, at once on one account, see the same."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import trio

from chatproto.client import Session, connect
from chatproto.operations.rooms import CreateRoom, JoinRoom
from tests.conformance import recordings, walks

PROBES = {
    "nio": lambda: walks.python("nio_probe.py"),
    "matrix-js-sdk": lambda: walks.javascript("js_probe.mjs"),
}


class Probe:
    """A client in a process of its own; what it is told and says is in its script."""

    def __init__(self, command, url, account, room_id):
        told = {"SERVER": url, "PASSWORD": account.password}
        told |= {"USER_ID": account.user_id, "ROOM_ID": room_id}
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | told,
            text=True,
        )

    async def heard(self):
        with trio.fail_after(60):
            line = await trio.to_thread.run_sync(self.process.stdout.readline)
        return json.loads(line)

    async def tell(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return await self.heard()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def native_view(session: Session, room_id: str) -> dict:
    room = session.state.rooms[room_id]
    events = [e for e in room.timeline.events() if e["type"] == "m.room.message"]
    readers = {user: room.receipts.latest(user) for user in room.receipts.picture()}
    return {
        "timeline": [event["event_id"] for event in events],
        "notifications": room.notification_count,
        "highlights": room.highlight_count,
        "receipts": {user: r.event_id for user, r in readers.items() if r},
    }


async def expect_native(session: Session, room_id: str, view: dict) -> dict:
    changes = session.changes()
    with trio.move_on_after(15):
        while native_view(session, room_id) != view:
            await changes.receive()
    return native_view(session, room_id)


@pytest.fixture
def probe():
    started = []

    def start(name, *arguments):
        started.append(Probe(PROBES[name](), *arguments))
        return started[-1]

    yield start
    for running in started:
        running.stop()


async def test_clients_of_one_account_see_the_same(server, recorded, register, probe):
    anna, boris = register(), register()
    async with (
        connect(server.url, user=anna.user_id, password=anna.password) as native,
        connect(server.url, user=boris.user_id, password=boris.password) as other,
    ):
        made = await other.call(CreateRoom(name="All of us", invite=(anna.user_id,)))
        await native.call(JoinRoom(room_id=made.room_id))
        theirs, room = await other.room(made.room_id), await native.room(made.room_id)
        probes = [probe(n, recorded(n).url, anna, made.room_id) for n in PROBES]
        for one in probes:
            await one.heard()
        view = {"timeline": [], "notifications": 0, "highlights": 0, "receipts": {}}

        async def all_see(**news):
            view.update(news)
            expected = json.loads(json.dumps(view))
            assert await expect_native(native, made.room_id, expected) == expected
            for one in probes:
                assert await one.tell(expect=expected) == expected

        sent = [await theirs.send_text(text) for text in ("one", "two")]
        mentions = {"m.mentions": {"user_ids": [anna.user_id]}}
        content = {"msgtype": "m.text", "body": "three, Anna", **mentions}
        sent.append(await theirs.send("m.room.message", content))
        await all_see(timeline=sent, notifications=3, highlights=1)

        await room.read(sent[0])
        await all_see(notifications=2, receipts={anna.user_id: sent[0]})
        for number, one in enumerate(probes):
            sent.append(await theirs.send_text(f"more {number}"))
            await one.tell(read=sent[-1])
            read = {anna.user_id: sent[-1]}
            await all_see(notifications=0, highlights=0, receipts=read)
            sent.append(await theirs.send_text(f"still more {number}"))
            await all_see(notifications=1)
            sent.append(await one.tell(send=f"an answer {number}"))
            await all_see(notifications=0)
        await theirs.read(sent[-1])
        await all_see(receipts={anna.user_id: sent[-3], boris.user_id: sent[-1]})
    for name in PROBES:
        assert recordings.judged(recorded(name).exchanges()).problems == ()
