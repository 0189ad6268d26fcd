"""Whatever comes in, the answer says what was wrong, and is never a 500."""

from __future__ import annotations

import json

import httpx2
import pytest
import trio
from trio_websocket import ConnectionClosed

from tests.integration.harness import ServerProcess

SEND = "/_matrix/client/v3/rooms/{room}/send/m.room.message/{txn}"

BODIES = {
    "not_json": ("{", 400, "M_NOT_JSON"),
    "not_an_object": ("[]", 400, "M_BAD_JSON"),
    "float": ('{"msgtype":"m.text","body":"x","n":1.5}', 400, "M_BAD_JSON"),
    "nan": ('{"msgtype":"m.text","body":"x","n":NaN}', 400, "M_NOT_JSON"),
    "large_int": (
        '{"msgtype":"m.text","body":"x","n":9007199254740992}',
        400,
        "M_BAD_JSON",
    ),
    "duplicate": ('{"msgtype":"m.text","body":"x","body":"y"}', 400, "M_BAD_JSON"),
    "surrogate": ('{"msgtype":"m.text","body":"\\ud800"}', 400, "M_BAD_JSON"),
    "deep": ('{"a":' * 200 + "1" + "}" * 200, 400, "M_BAD_JSON"),
    "wrong_type": ('{"msgtype":"m.text","body":7}', 400, "M_BAD_JSON"),
    "too_large": (
        json.dumps({"msgtype": "m.text", "body": "x" * 70_000}),
        413,
        "M_TOO_LARGE",
    ),
    "no_body": ("{}", 400, "M_BAD_JSON"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all: nothing that comes in may harm it."""
    folder = tmp_path_factory.mktemp("server") / "data"
    running = ServerProcess(folder, "--demo", "--rate-limits=off")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize(("body", "status", "errcode"), BODIES.values(), ids=BODIES)
async def test_bad_event_is_refused(direct, body, status, errcode):
    anna, _, room_id = direct
    answer = await anna.http.put(
        SEND.format(room=room_id, txn="1"),
        content=body.encode(),
        headers={"Authorization": f"Bearer {anna.token}"},
    )
    assert (answer.status_code, answer.json()["errcode"]) == (status, errcode)
    assert answer.json()["error"]


REQUESTS = {
    "unknown_path": ("GET", "/_matrix/client/v3/nothing", 404, "M_UNRECOGNIZED"),
    "wrong_verb": ("DELETE", "/_matrix/client/versions", 405, "M_UNRECOGNIZED"),
    "bad_number": ("GET", "/_matrix/client/v3/sync?timeout=x", 400, "M_INVALID_PARAM"),
    "bad_position": ("GET", "/_matrix/client/v3/sync?since=x", 400, "M_INVALID_PARAM"),
    "bad_filter": ("GET", "/_matrix/client/v3/sync?filter={", 400, "M_NOT_JSON"),
    "bad_room": ("POST", "/_matrix/client/v3/join/nothing", 400, "M_INVALID_PARAM"),
    "no_room": ("POST", "/_matrix/client/v3/join/!x:localhost", 404, "M_NOT_FOUND"),
    "no_alias": ("POST", "/_matrix/client/v3/join/%23x:localhost", 404, "M_NOT_FOUND"),
    "not_utf8": ("GET", "/_matrix/client/v3/profile/%ff", 400, "M_INVALID_PARAM"),
    "not_mine": (
        "GET",
        "/_matrix/client/v3/rooms/!x:localhost/state",
        403,
        "M_FORBIDDEN",
    ),
}


@pytest.mark.parametrize(
    ("verb", "path", "status", "errcode"), REQUESTS.values(), ids=REQUESTS
)
async def test_bad_request_is_refused(log_in, verb, path, status, errcode):
    anna = await log_in("user1")
    answer = await anna.http.request(
        verb,
        path,
        headers={"Authorization": f"Bearer {anna.token}"},
    )
    assert (answer.status_code, answer.json()["errcode"]) == (status, errcode)


async def test_token_is_asked_for(log_in):
    anna = await log_in("user1")
    path = "/_matrix/client/v3/account/whoami"
    answer = await anna.http.get(path)
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_MISSING_TOKEN")
    answer = await anna.http.get(path, headers={"Authorization": "Bearer cpa_no"})
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_UNKNOWN_TOKEN")


async def test_logged_out_token_ends_everywhere(log_in, nursery):
    anna = await log_in("user1")
    await anna.connect(nursery)
    await anna.items("sync")
    await anna.request("POST", "/_matrix/client/v3/logout", {})
    with trio.fail_after(1), pytest.raises(ConnectionClosed) as closed:
        while True:
            await anna.receive()
    assert closed.value.reason.code == 4401
    path = "/_matrix/client/v3/account/whoami"
    answer = await anna.request("GET", path, status=401)
    assert answer["errcode"] == "M_UNKNOWN_TOKEN"


async def test_waiting_sync_ends_with_its_session(log_in):
    anna = await log_in("user1")
    since = (await anna.sync())["next_batch"]
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait() -> None:
            path = f"/_matrix/client/v3/sync?since={since}&timeout=30000"
            with trio.fail_after(3):
                answer = await anna.request("GET", path, status=401)
            assert answer["errcode"] == "M_UNKNOWN_TOKEN"

        await trio.sleep(0.3)
        second = httpx2.AsyncClient(base_url=anna.url)
        headers = {"Authorization": f"Bearer {anna.token}"}
        await second.post("/_matrix/client/v3/logout", headers=headers, content=b"{}")
        await second.aclose()


CALLS = {
    "unknown_operation": ({"do": "room.explode", "with": {}}, "M_UNRECOGNIZED"),
    "missing_field": ({"do": "room.send", "with": {}}, "M_MISSING_PARAM"),
    "wrong_type": ({"do": "room.leave", "with": {"room_id": 5}}, "M_BAD_JSON"),
    "no_rights": (
        {"do": "room.leave", "with": {"room_id": "!x:localhost"}},
        "M_FORBIDDEN",
    ),
}


@pytest.mark.parametrize(("call", "errcode"), CALLS.values(), ids=CALLS)
async def test_bad_call_is_answered(log_in, nursery, call, errcode):
    anna = await log_in("user1")
    await anna.connect(nursery)
    await anna.items("sync")
    await anna.send({"id": 1, **call})
    answer = await anna.receive()
    assert answer["re"] == 1
    assert answer["err"]["errcode"] == errcode


FRAMES = {
    "not_json": "{",
    "not_an_object": "[]",
    "no_kind": '{"x": 1}',
    "second_hello": '{"hello": {"token": "x"}}',
    "from_the_server": '{"welcome": {}}',
    "id_missing": '{"do": "sync", "with": {}}',
    "no_position": '{"ack": "x"}',
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
async def test_bad_frame_ends_connection_in_words(log_in, nursery, frame):
    anna = await log_in("user1")
    await anna.connect(nursery)
    await anna.items("sync")
    await anna.send(frame)
    goodbye = await anna.receive()
    assert goodbye["goodbye"]["reason"]
    with pytest.raises(ConnectionClosed) as closed:
        await anna.receive()
    assert closed.value.reason.code == 4400


async def test_unknown_token_is_told_to_log_in(log_in, nursery):
    anna = await log_in("user1")
    anna.token = "cpa_unknown"
    goodbye = await anna.connect(nursery)
    assert goodbye["goodbye"]["then"] == "login"
    with pytest.raises(ConnectionClosed) as closed:
        await anna.receive()
    assert closed.value.reason.code == 4401
