"""matrix-js-sdk and matrix-nio, in one encrypted room at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conformance import recordings, walks

SCRIPTS = {"js": "js_nio_walk.mjs", "nio": "nio_js_walk.py"}


@pytest.fixture(scope="module")
def walked(recorded, register, tmp_path_factory):
    told = {
        "password": walks.PASSWORD,
        "anna": register().user_id,
        "boris": register().user_id,
        "store": str(tmp_path_factory.mktemp("keys")),
        "phase": "",
    }
    commands = {
        "js": walks.javascript(SCRIPTS["js"]),
        "nio": walks.python(SCRIPTS["nio"]),
    }
    with ThreadPoolExecutor() as both:
        started = {
            name: both.submit(walks.walk, command, server=recorded(name).url, **told)
            for name, command in commands.items()
        }
        return {name: walk.result() for name, walk in started.items()}


@pytest.mark.parametrize(
    ("client", "step"),
    [(name, step) for name, script in SCRIPTS.items() for step in walks.steps(script)],
)
def test_step(walked, client, step):
    walked[client].check(step)


@pytest.mark.parametrize("client", SCRIPTS)
def test_recording_agrees_with_specification(walked, recorded, client):
    exchanges = recorded(client).exchanges()
    assert len(exchanges) > len(walked[client].steps)
    assert recordings.judged(exchanges).problems == ()
