"""Nothing acknowledged is lost when the server is killed, and nothing is there twice."""

from __future__ import annotations

import json
from urllib.parse import quote

import httpx2
import pytest
import trio
from trio_websocket import ConnectionClosed

from tests.integration.harness import Client


async def send_until_cut(
    client: Client, room_id: str, name: str, acknowledged: list
) -> None:
    """Send one message after another; note those that were acknowledged."""
    number = 0
    try:
        while True:
            number += 1
            sent = await client.say(room_id, f"{name} {number}", f"{name}-{number}")
            acknowledged.append((f"{name} {number}", sent["event_id"]))
    except (ConnectionClosed, trio.Cancelled):
        return


async def history(client: Client, room_id: str) -> list[dict]:
    path = f"/_matrix/client/v3/rooms/{quote(room_id)}/messages?dir=f&limit=1000"
    events: list[dict] = []
    token = "t0"
    while token is not None:
        page = await client.request("GET", f"{path}&from={token}")
        events += page["chunk"]
        token = page.get("end")
    return events


@pytest.mark.parametrize("kill", range(3))
async def test_killed_server_keeps_what_it_acknowledged(server, direct, kill):
    anna, boris, room_id = direct
    acknowledged: list[tuple[str, str]] = []
    async with trio.open_nursery() as nursery:
        senders = [anna, boris, await Client(server.url).log_in("user1")]
        for number, client in enumerate(senders):
            await client.connect(nursery)
            name = f"sender{number}"
            nursery.start_soon(send_until_cut, client, room_id, name, acknowledged)
        await trio.sleep(0.3 + kill * 0.2)
        server.kill()
    server.restart()
    assert len(acknowledged) > 20

    events = await history(anna, room_id)
    bodies = [e["content"].get("body") for e in events if e["type"] == "m.room.message"]
    ids = {e["event_id"] for e in events}
    assert [e["unsigned"]["org.chatproto.seq"] for e in events] == [
        *range(1, len(events) + 1)
    ]
    assert {event_id for _, event_id in acknowledged} <= ids
    for number in range(3):
        name = f"sender{number}"
        stored = [body for body in bodies if body.startswith(f"{name} ")]
        sent = [body for body, _ in acknowledged if body.startswith(f"{name} ")]
        assert stored[: len(sent)] == sent
        assert len(stored) - len(sent) <= 1  # one was stored and not yet acknowledged
    await senders[-1].close()


async def test_repeated_transaction_stores_nothing(server, direct, nursery):
    anna, _, room_id = direct
    await anna.connect(nursery)
    first = await anna.say(room_id, "once", "same")
    assert await anna.say(room_id, "once", "same") == first
    server.kill()
    server.restart()
    again = await anna.say_over_http(room_id, "once", "same")
    assert again["event_id"] == first["event_id"]
    bodies = [e["content"].get("body") for e in await history(anna, room_id)]
    assert bodies.count("once") == 1


async def test_position_survives_restart_and_binding(server, direct, nursery):
    anna, boris, room_id = direct
    await anna.connect(nursery)
    body = (await anna.items("sync"))["next_batch"]
    since_socket = anna.position
    assert since_socket == body
    await boris.say_over_http(room_id, "one", "b1")
    answer = await anna.sync(since=since_socket)
    assert bodies_of(answer, room_id) == ["one"]

    server.kill()
    server.restart()
    await boris.say_over_http(room_id, "two", "b2")
    answer = await anna.sync(since=answer["next_batch"])
    assert bodies_of(answer, room_id) == ["two"]

    await boris.say_over_http(room_id, "three", "b3")
    second = await Client(server.url).log_in("user1")
    second.token = anna.token
    welcome = await second.connect(nursery, since=answer["next_batch"])
    assert welcome["welcome"]["resumed"] is True
    missed = await second.items("sync")
    assert bodies_of(missed, room_id) == ["three"]
    await second.close()


async def test_unknown_position_gets_snapshot(direct, nursery):
    anna, _, room_id = direct
    welcome = await anna.connect(nursery, since="s999999_0_abc")
    assert welcome["welcome"]["resumed"] is False
    assert "resync" in await anna.receive()
    assert room_id in (await anna.items("sync"))["rooms"]["join"]


async def test_stopped_server_says_goodbye_and_loses_nothing(server, direct, nursery):
    anna, _, room_id = direct
    await anna.connect(nursery)
    sent = await anna.say(room_id, "before the end", "last")
    assert server.stop() == 0
    frames = []
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            frames.append(await anna.receive())
    assert closed.value.reason.code == 1012
    assert any("goodbye" in frame for frame in frames)
    server.restart()
    assert sent["event_id"] in {e["event_id"] for e in await history(anna, room_id)}


async def test_waiting_sync_is_answered_when_stopped(server, direct):
    anna, _, _ = direct
    since = (await anna.sync())["next_batch"]
    answers = []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait() -> None:
            answers.append(await anna.sync(since=since, timeout=30000))

        await trio.sleep(0.3)
        with trio.fail_after(5):
            assert await trio.to_thread.run_sync(server.stop) == 0
    assert answers[0]["next_batch"]


def bodies_of(answer: dict, room_id: str) -> list[str]:
    events = answer["rooms"]["join"][room_id]["timeline"]["events"]
    return [e["content"]["body"] for e in events if e["type"] == "m.room.message"]


async def test_half_sent_request_is_no_harm(server):
    stream = await trio.open_tcp_stream("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
    await stream.send_all(
        b"PUT /_matrix/client/v3/rooms/x/send/m.room.message/1 HTTP/1.1\r\n"
    )
    await stream.aclose()
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"{server.url}/healthz")
    assert json.loads(answer.content) == {"status": "ok"}
