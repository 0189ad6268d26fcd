"""matrix-js-sdk, as Element Web has it, looks at its rooms through windows."""

from __future__ import annotations

import pytest

from tests.conformance import recordings, walks

CLIENT, SCRIPT = "matrix-js-sdk, windows", "js_windows_walk.mjs"


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
    verdict = recordings.judged(recorded(CLIENT).exchanges())
    assert not verdict.problems, "\n".join(verdict.problems)
