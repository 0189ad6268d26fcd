"""The judge of recordings finds what is wrong, and passes what is right."""

from __future__ import annotations

import pytest

from tests.conformance import matrix_spec, recordings

ROOM = "/_matrix/client/v3/rooms/%21room%3Alocalhost"
EVENT = {
    "type": "m.room.message",
    "content": {"body": "hello", "msgtype": "m.text"},
    "event_id": "$one",
    "sender": "@anna:localhost",
    "origin_server_ts": 1,
}


@pytest.fixture(autouse=True)
def specification():
    matrix_spec.folder()


def exchange(method, path, response, status=200):
    return {
        "method": method,
        "path": path,
        "status": status,
        "response": response,
        "response_bytes": 2,
    }


def synced(event):
    timeline = {"events": [event], "limited": False, "prev_batch": "s"}
    rooms = {"join": {"!room:localhost": {"timeline": timeline}}}
    answer = {"next_batch": "s1", "rooms": rooms}
    return exchange("GET", "/_matrix/client/v3/sync", answer)


@pytest.mark.parametrize(
    ("verb", "path", "route"),
    [
        ("GET", f"{ROOM}/event/%24one", "rooms/{}/event/{}"),
        ("PUT", f"{ROOM}/state/m.room.name", "rooms/{}/state/{}/{}"),
        ("PUT", f"{ROOM}/state/m.room.name/", "rooms/{}/state/{}/{}"),
        ("GET", f"{ROOM}/state", "rooms/{}/state"),
        ("GET", f"{ROOM}/members", "rooms/{}/members"),
        ("GET", "/_matrix/client/r0/sync", "sync"),
        ("GET", "/_matrix/client/v3/pushrules/", "pushrules"),
        ("GET", "/_matrix/client/v3/register/available", "register/available"),
    ],
    ids=lambda value: value.removeprefix(ROOM),
)
def test_path_belongs_to_endpoint(verb, path, route):
    assert recordings.matched(verb, path) == (verb, f"/_matrix/client/v3/{route}")


@pytest.mark.parametrize(
    "said",
    [
        synced(EVENT),
        exchange("GET", f"{ROOM}/event/%24one", {**EVENT, "room_id": "!room:x"}),
        exchange("PUT", f"{ROOM}/send/m.x/1", {"event_id": "$one"}),
        exchange("GET", "/_matrix/client/versions", {"versions": ["v1.1"]}),
        exchange("GET", "/nowhere", {"errcode": "M_X", "error": "no"}, 404),
        exchange("POST", f"{ROOM}/join", {"errcode": "M_X", "error": "no"}, 403),
        exchange(
            "POST", "/_matrix/client/v3/register", {"flows": [], "session": "s"}, 401
        ),
    ],
    ids=lambda said: said["path"].removeprefix(ROOM),
)
def test_right_answer_passes(said):
    assert recordings.judged([said]).problems == ()


@pytest.mark.parametrize(
    "said",
    [
        synced({**EVENT, "sender": 1}),
        synced({name: EVENT[name] for name in EVENT if name != "event_id"}),
        synced({**EVENT, "type": "m.room.name", "content": {"name": 5}}),
        exchange("GET", f"{ROOM}/event/%24one", EVENT),
        exchange("PUT", f"{ROOM}/send/m.x/1", {"id": "$one"}),
        exchange("PUT", f"{ROOM}/send/m.x/1", None),
        exchange("PUT", f"{ROOM}/send/m.x/1", {"event_id": "$one"}, 201),
        exchange("GET", "/nowhere", {"errcode": "M_X"}, 404),
        exchange("POST", f"{ROOM}/join", None, 403),
        exchange("POST", "/_matrix/client/v3/register", {"flows": []}, 401),
    ],
    ids=lambda said: f"{said['path'].removeprefix(ROOM)} {said['status']}",
)
def test_wrong_answer_is_found(said):
    assert len(recordings.judged([said]).problems) == 1


def test_unstable_path_is_listed():
    path = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"
    verdict = recordings.judged([exchange("GET", path, {})])
    assert verdict.problems == ()
    assert verdict.unknown == (f"GET {path}: 200",)


def test_endpoint_that_answered_is_covered():
    verdict = recordings.judged([synced(EVENT)])
    assert verdict.covered == {("GET", "/_matrix/client/v3/sync")}
