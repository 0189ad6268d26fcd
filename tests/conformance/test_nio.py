"""matrix-nio, as it comes from its registry, lives with the server."""

from __future__ import annotations

import pytest

from tests.conformance import coverage, walks

SCRIPT = "nio_walk.py"


@pytest.fixture(scope="module")
def walked(recorded, register):
    return walks.walk(
        walks.python(SCRIPT),
        server=recorded("matrix-nio").url,
        password=walks.PASSWORD,
        anna=register().user_id,
        boris=register().user_id,
    )


@pytest.mark.parametrize("step", walks.steps(SCRIPT))
def test_step(walked, step):
    walked.check(step)


def test_recording_agrees_with_specification_and_table(walked, recorded):
    coverage.check("matrix-nio", recorded("matrix-nio").exchanges())
