"""matrix-js-sdk, as it comes from its registry, lives with the server."""

from __future__ import annotations

import pytest

from tests.conformance import coverage, walks

CLIENT, SCRIPT = "matrix-js-sdk", "js_walk.mjs"


@pytest.fixture(scope="module")
def server_options():
    return ("--turn-uris=turn:localhost", "--turn-secret=a secret of the relay")


@pytest.fixture(scope="module")
def walked(recorded, register):
    return walks.walk(
        walks.javascript(SCRIPT),
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
