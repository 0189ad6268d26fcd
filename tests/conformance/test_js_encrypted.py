"""matrix-js-sdk encrypts with its Rust; the server relays, and is restarted once."""

from __future__ import annotations

import pytest

from tests.conformance import coverage, walks

CLIENT, SCRIPT = "matrix-js-sdk, encrypted", "js_encrypted_walk.mjs"


@pytest.fixture(scope="module")
def walked(server, recorded, register):
    return walks.walk(
        walks.javascript(SCRIPT),
        wishes={"restart": server.restart},
        server=recorded(CLIENT).url,
        password=walks.PASSWORD,
        anna=register().user_id,
        boris=register().user_id,
    )


@pytest.mark.parametrize("step", walks.steps(SCRIPT))
def test_step(walked, step):
    walked.check(step)


def test_recording_agrees_with_specification_and_table(walked, recorded):
    coverage.check(CLIENT, recorded(CLIENT).exchanges())
