"""A bridge at a real server: what it is told and asked, and what it does."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.integration.fake_bridge import REGISTRATION, FakeBridge, start
from tests.integration.harness import ServerProcess

GHOST = "@fake_ann:localhost"
APPSERVICE = "m.login.application_service"
V3 = "/_matrix/client/v3"


@pytest.fixture
async def bridge(nursery):
    bridge = FakeBridge()
    bridge.port = await start(nursery, bridge)
    yield bridge
    await bridge.http.aclose()


@pytest.fixture
def server(tmp_path, bridge):
    path = tmp_path / "fake.yaml"
    path.write_text(REGISTRATION.format(port=bridge.port))
    running = ServerProcess(
        tmp_path / "data", "--demo", "--rate-limits=off", f"--appservices={path}"
    )
    running.start()
    bridge.url = running.url
    yield running
    running.stop()


async def make_ghost(bridge):
    body = {"type": APPSERVICE, "username": "fake_ann", "inhibit_login": True}
    made = await bridge.call("POST", f"{V3}/register", body)
    assert made == {"user_id": GHOST}


async def room_with_ghost(bridge, anna):
    await make_ghost(bridge)
    made = await anna.request("POST", f"{V3}/createRoom", {"invite": [GHOST]})
    room_id = made["room_id"]
    await bridge.call("POST", f"{V3}/join/{quote(room_id)}", {}, user_id=GHOST)
    return room_id


async def test_messages_go_both_ways(server, bridge, log_in):
    anna = await log_in("user1")
    room_id = await room_with_ghost(bridge, anna)
    await anna.say_over_http(room_id, "to afar", "1")
    path = f"{V3}/rooms/{quote(room_id)}/send/m.room.message/1"
    content = {"msgtype": "m.text", "body": "from afar"}
    sent = await bridge.call("PUT", path, content, user_id=GHOST, ts=1_234_567)
    again = await bridge.call("PUT", path, content, user_id=GHOST, ts=1_234_567)
    assert sent["event_id"] == again["event_id"]
    await bridge.until(lambda: len(bridge.bodies) >= 2)
    assert bridge.bodies == ["to afar", "from afar"]

    page = await anna.request("GET", f"{V3}/rooms/{quote(room_id)}/messages?dir=b")
    newest = page["chunk"][0]
    assert newest["sender"] == GHOST
    assert newest["content"]["body"] == "from afar"
    assert newest["origin_server_ts"] == 1_234_567


async def test_typing_and_receipts_arrive(server, bridge, log_in):
    anna = await log_in("user1")
    room_id = await room_with_ghost(bridge, anna)
    sent = await anna.say_over_http(room_id, "read me", "1")
    room = f"{V3}/rooms/{quote(room_id)}"
    typing = {"typing": True, "timeout": 5_000}
    await anna.request("PUT", f"{room}/typing/{quote(anna.user_id)}", typing)
    event_id = quote(sent["event_id"], safe="")
    await anna.request("POST", f"{room}/receipt/m.read/{event_id}", {})

    def heard():
        told = b"".join(body for _, body in bridge.taken)
        return b'"m.typing"' in told and b'"m.receipt"' in told

    await bridge.until(heard)


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_transaction_survives_both_ends(server, bridge, log_in, end):
    anna = await log_in("user1")
    room_id = await room_with_ghost(bridge, anna)
    await anna.say_over_http(room_id, "0", "0")
    await bridge.until(lambda: "0" in bridge.bodies)

    bridge.is_well = False
    await anna.say_over_http(room_id, "1", "1")
    await bridge.until(lambda: bridge.refused)
    await anna.say_over_http(room_id, "2", "2")
    getattr(server, end)()
    bridge.is_well = True
    server.restart()
    await bridge.until(lambda: "2" in bridge.bodies)
    assert bridge.bodies == ["0", "1", "2"]
    assert {*bridge.refused} <= {*bridge.taken}
    different = {*bridge.taken}
    assert len({path for path, _ in different}) == len(different)
    numbers = [int(path.rsplit("/", 1)[1]) for path, _ in bridge.taken]
    assert numbers == sorted(numbers)


async def test_bridge_away_slows_nobody(server, bridge, log_in):
    anna = await log_in("user1")
    room_id = await room_with_ghost(bridge, anna)
    bridge.is_well = False
    for number in range(50):
        await anna.say_over_http(room_id, f"{number}", f"{number}")
    bridge.is_well = True
    await bridge.call(
        "POST", "/_matrix/client/v1/appservice/fake/ping", {"transaction_id": "p"}
    )
    await bridge.until(lambda: "49" in bridge.bodies)
    assert bridge.bodies == [f"{number}" for number in range(50)]


async def test_unknown_ghost_is_asked_for(server, bridge, log_in):
    anna = await log_in("user1")

    async def asked(path):
        if path.endswith(GHOST):
            await make_ghost(bridge)
        return path.endswith(GHOST)

    bridge.asked = asked
    profile = await anna.request("GET", f"{V3}/profile/{quote(GHOST)}")
    assert profile["displayname"] == "fake_ann"
    await anna.request("GET", f"{V3}/profile/{quote('@fake_no:localhost')}", status=404)
    await anna.request("GET", f"{V3}/profile/{quote(GHOST)}")
    assert bridge.others == [
        ("GET", f"/_matrix/app/v1/users/{GHOST}"),
        ("GET", "/_matrix/app/v1/users/@fake_no:localhost"),
    ]


async def test_ghost_is_registered_as_itself(server, bridge):
    body = {"type": APPSERVICE, "username": "fake_ann", "inhibit_login": True}
    path = f"{V3}/register"
    made = await bridge.call("POST", path, body, user_id=GHOST)
    assert made == {"user_id": GHOST}


async def test_unknown_room_is_asked_for(server, bridge, log_in):
    anna = await log_in("user1")
    alias = "#fake_room:localhost"

    async def asked(path):
        body = {"room_alias_name": "fake_room", "preset": "public_chat"}
        await bridge.call("POST", f"{V3}/createRoom", body)
        return True

    bridge.asked = asked
    joined = await anna.request("POST", f"{V3}/join/{quote(alias)}", {})
    found = await anna.request("GET", f"{V3}/directory/room/{quote(alias)}")
    assert found["room_id"] == joined["room_id"]
    assert bridge.others == [("GET", f"/_matrix/app/v1/rooms/{alias}")]


async def test_ping(server, bridge, log_in):
    anna = await log_in("user1")
    path = "/_matrix/client/v1/appservice/fake/ping"
    answer = await bridge.call("POST", path, {"transaction_id": "p1"})
    assert answer["duration_ms"] >= 0
    assert bridge.others == [("POST", "/_matrix/app/v1/ping")]
    bridge.is_well = False
    answer = await bridge.call("POST", path, {}, status=502)
    assert (answer["errcode"], answer["status"]) == ("M_BAD_STATUS", 503)
    other = path.replace("fake", "other")
    assert (await bridge.call("POST", other, {}, status=403))["errcode"] == (
        "M_FORBIDDEN"
    )
    await anna.request("POST", path, {}, status=403)


async def test_names_are_kept_for_it(server, bridge, log_in):
    anna = await log_in("user1")
    answer = await anna.request(
        "POST", f"{V3}/createRoom", {"room_alias_name": "fake_x"}, status=400
    )
    assert answer["errcode"] == "M_EXCLUSIVE"
    answer = await bridge.call(
        "GET", f"{V3}/account/whoami", status=403, user_id=anna.user_id
    )
    assert answer["errcode"] == "M_FORBIDDEN"
