"""Every operation, asked with what no client of good will would send."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from urllib.parse import quote

import httpx2
import pytest
import trio
from trio_websocket import ConnectionClosed

from tests.integration.harness import Client, ServerProcess
from tests.integration.hostile import Asked, Hostile

SECONDS = 3
AT_ONCE = 4
# What is asked for at the same time by somebody else, and may take no longer.
SLOWEST_S = 2
MORE_MEMORY_MB = 150


@pytest.fixture
def server(tmp_path):
    running = ServerProcess(tmp_path / "data", "--demo", "--rate-limits=off")
    running.start()
    yield running
    assert running.stop() == 0
    log = (tmp_path / "data.log").read_text()
    assert "Traceback" not in log, log[:4_000]


def memory_mb(server: ServerProcess) -> int:
    assert server.process is not None
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", text)
    assert found
    return int(found[1]) // 1024


async def known_to(client: Client) -> dict[str, list[str]]:
    rooms = await client.request("GET", "/_matrix/client/v3/joined_rooms")
    path = f"/_matrix/client/v3/rooms/{quote(rooms['joined_rooms'][0])}/messages?dir=b"
    events = (await client.request("GET", path))["chunk"]
    return {
        "room_id": rooms["joined_rooms"],
        "room_id_or_alias": rooms["joined_rooms"],
        "event_id": [event["event_id"] for event in events],
        "user_id": ["@user1:localhost", "@user2:localhost"],
    }


def check(asked: Asked, answer: httpx2.Response) -> None:
    told = (asked.verb, asked.path[:300], (asked.body or b"")[:300], answer.text[:300])
    assert answer.status_code < 500, told
    if answer.status_code >= 400:
        error = answer.json()
        assert error["errcode"] or "flows" in error, told
        assert isinstance(error["error"], str), told


@pytest.mark.parametrize("seed", [3, 11])
async def test_hostile_requests_are_answered_in_words(server, log_in, seed):
    anna, clara = await log_in("user1"), await log_in("user3")
    hostile = Hostile(Random(seed), await known_to(anna))
    headers = {"Authorization": f"Bearer {anna.token}"}
    before, waits = memory_mb(server), []

    async def ask() -> None:
        async with httpx2.AsyncClient(base_url=server.url, timeout=10) as http:
            while True:
                asked = hostile.request()
                head = {**headers, "Content-Type": asked.content_type}
                answer = await http.request(
                    asked.verb, asked.path, content=asked.body, headers=head
                )
                check(asked, answer)

    async def watch() -> None:
        while True:
            started = trio.current_time()
            await clara.sync(timeout=0)
            waits.append(trio.current_time() - started)
            await trio.sleep(0.05)

    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            for _ in range(AT_ONCE):
                nursery.start_soon(ask)
    assert len(waits) > 5
    assert max(waits) < SLOWEST_S
    assert memory_mb(server) - before < MORE_MEMORY_MB


async def test_hostile_calls_are_answered_on_the_socket(log_in, nursery):
    anna = await log_in("user1")
    hostile = Hostile(Random(5), await known_to(anna))
    await anna.connect(nursery)
    number = answered = 0
    with trio.move_on_after(SECONDS):
        while True:
            number += 1
            try:
                await anna.send(hostile.call(number))
                frame = await anna.receive()
                while frame.get("re") != number and "goodbye" not in frame:
                    frame = await anna.receive()
            except ConnectionClosed:
                await anna.connect(nursery)
                continue
            if "goodbye" in frame:  # what is no JSON is no call
                assert "mistake" not in json.dumps(frame)
                await anna.connect(nursery)
            else:
                assert "ok" in frame or frame["err"]["errcode"], frame
            answered += 1
    assert answered > 100
