"""Who is there, as others see it live; and where a device was last seen."""

from __future__ import annotations

import trio

from tests.integration.harness import Client, ServerProcess


async def test_others_see_who_comes_online(direct, log_in, nursery):
    anna, boris, _ = direct
    await anna.connect(nursery)
    await anna.items("sync")
    await boris.connect(nursery)
    with trio.fail_after(5):
        while (seen := await anna.items("presence"))["user_id"] != boris.user_id:
            pass
    assert seen["presence"] == "online"


async def test_status_set_over_http_reaches_sockets(direct, nursery):
    anna, boris, _ = direct
    await anna.connect(nursery)
    await anna.items("sync")
    path = f"/_matrix/client/v3/presence/{boris.user_id}/status"
    status = {
        "presence": "unavailable",
        "status_msg": "at lunch",
        "org.chatproto.expires_in_ms": 60_000,
    }
    await boris.request("PUT", path, status)
    with trio.fail_after(5):
        while (seen := await anna.items("presence")).get("status_msg") != "at lunch":
            pass
    assert (seen["user_id"], seen["presence"]) == (boris.user_id, "unavailable")
    assert 0 < seen["org.chatproto.expires_in_ms"] <= 60_000
    shown = await anna.request("GET", path)
    assert (shown["presence"], shown["status_msg"]) == ("unavailable", "at lunch")


async def test_device_shows_where_it_was_last_seen(log_in):
    anna = await log_in("user1")
    listed = await anna.request("GET", "/_matrix/client/v3/devices")
    [device] = [d for d in listed["devices"] if d.get("last_seen_ip")]
    assert device["last_seen_ip"] == "127.0.0.1"
    assert device["last_seen_ts"] > 1_700_000_000_000


async def test_listens_on_ipv6(tmp_path):
    server = ServerProcess(tmp_path / "data", "--demo", "--rate-limits=off")
    server.start("[::1]:0")
    try:
        assert server.url.startswith("http://[::1]:")
        client = await Client(server.url).log_in("user1")
        await client.close()
    finally:
        server.stop()
