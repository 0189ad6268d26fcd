"""A bridge made with matrix-bot-sdk is told, asked, and speaks for its ghosts."""

from __future__ import annotations

import json
import socket

import pytest

from tests.conformance import coverage, walks

CLIENT, SCRIPT = "matrix-bot-sdk, bridge", "bot_bridge_walk.mjs"
REGISTRATION = {
    "id": "fake",
    "as_token": "as-secret-of-the-fake",
    "hs_token": "hs-secret-of-the-fake",
    "sender_localpart": "fakebot",
    "rate_limited": False,
    "de.sorunome.msc2409.push_ephemeral": True,  # the name it knows
    "namespaces": {
        "users": [{"exclusive": True, "regex": "@fake_.*:localhost"}],
        "aliases": [{"exclusive": True, "regex": "#fake_.*:localhost"}],
        "rooms": [],
    },
}


@pytest.fixture(scope="module")
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def server_options(port, tmp_path_factory):
    path = tmp_path_factory.mktemp("bridge") / "fake.yaml"
    told = REGISTRATION | {"url": f"http://127.0.0.1:{port}"}
    path.write_text(json.dumps(told))  # which is YAML, too
    return (f"--appservices={path}",)


@pytest.fixture(scope="module")
def walked(server, recorded, register, port):
    return walks.walk(
        walks.javascript(SCRIPT),
        wishes={"restart": server.restart},
        server=recorded(CLIENT).url,
        password=walks.PASSWORD,
        boris=register().user_id,
        registration=json.dumps(REGISTRATION),
        port=str(port),
    )


@pytest.mark.parametrize("step", walks.steps(SCRIPT))
def test_step(walked, step):
    walked.check(step)


def test_recording_agrees_with_specification_and_table(walked, recorded):
    coverage.check(CLIENT, recorded(CLIENT).exchanges())
