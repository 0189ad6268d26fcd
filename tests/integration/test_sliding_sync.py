"""Sliding sync by HTTP, over a restart of the server."""

from __future__ import annotations

from urllib.parse import quote

import trio

PATH = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
BODY = {
    "conn_id": "room-list",
    "lists": {
        "all_rooms": {
            "ranges": [[0, 19]],
            "timeline_limit": 1,
            "required_state": [["m.room.name", ""], ["m.room.member", "$LAZY"]],
            "filters": {"not_room_types": ["m.space"]},
        }
    },
    "extensions": {
        "to_device": {"enabled": True},
        "e2ee": {"enabled": True},
        "account_data": {"enabled": True},
        "receipts": {"enabled": True, "rooms": ["*"]},
        "typing": {"enabled": True},
    },
}


async def sliding(client, pos=None, timeout_ms=0, status=200, **body):
    query = f"?timeout={timeout_ms}" + (f"&pos={quote(pos)}" if pos else "")
    return await client.request("POST", PATH + query, body or BODY, status)


async def test_versions_names_it(log_in):
    client = await log_in("user1")
    answer = await client.request("GET", "/_matrix/client/versions")
    assert answer["unstable_features"]["org.matrix.simplified_msc3575"] is True


async def test_news_arrive_while_waiting(direct):
    anna, boris, room = direct
    first = await sliding(boris)
    assert first["rooms"][room]["initial"] is True
    assert first["lists"]["all_rooms"]["count"] >= 1
    counts = first["extensions"]["e2ee"]["device_one_time_keys_count"]
    assert counts == {"signed_curve25519": 0}
    pos, found = first["pos"], None
    async with trio.open_nursery() as nursery:

        async def wait():
            nonlocal pos, found
            while found is None:
                answer = await sliding(boris, pos, timeout_ms=20_000)
                pos = answer["pos"]
                found = answer["rooms"].get(room)

        nursery.start_soon(wait)
        await anna.say_over_http(room, "hello", "t1")
    assert found["timeline"][0]["content"]["body"] == "hello"
    assert found["notification_count"] == 1


async def test_connection_ends_with_the_server(server, direct):
    anna, boris, room = direct
    pos = (await sliding(boris))["pos"]
    await anna.say_over_http(room, "before", "t1")
    assert server.stop() == 0
    server.restart()
    refused = await sliding(boris, pos, status=400)
    assert refused["errcode"] == "M_UNKNOWN_POS"
    found = (await sliding(boris))["rooms"][room]
    assert found["timeline"][0]["content"]["body"] == "before"
