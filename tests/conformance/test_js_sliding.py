"""matrix-js-sdk over sliding sync, which the specification does not have yet."""

from __future__ import annotations

import pytest

from tests.conformance import recordings, walks

CLIENT, SCRIPT = "matrix-js-sdk, sliding", "js_sliding_walk.mjs"


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


def test_recording_agrees_with_specification(walked, recorded):
    exchanges = recorded(CLIENT).exchanges()
    paths = {exchange["path"] for exchange in exchanges}
    assert any(path.endswith("simplified_msc3575/sync") for path in paths)
    assert not any(path.endswith("/v3/sync") for path in paths)
    assert recordings.judged(exchanges).problems == ()
