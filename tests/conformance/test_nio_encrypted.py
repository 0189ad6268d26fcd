"""matrix-nio encrypts to matrix-nio; the server relays, and is restarted in between."""

from __future__ import annotations

import pytest

from tests.conformance import coverage, walks

CLIENT, SCRIPT = "matrix-nio, encrypted", "nio_encrypted_walk.py"


@pytest.fixture(scope="module")
def walked(server, recorded, register, tmp_path_factory):
    told = {
        "server": recorded(CLIENT).url,
        "password": walks.PASSWORD,
        "anna": register().user_id,
        "boris": register().user_id,
        "store": str(tmp_path_factory.mktemp("keys")),
    }
    before = walks.walk(walks.python(SCRIPT), phase="before", **told)
    server.restart()
    after = walks.walk(walks.python(SCRIPT), phase="after", **told)
    return walks.Walk(before.steps | after.steps, before.errors + after.errors)


@pytest.mark.parametrize("step", walks.steps(SCRIPT))
def test_step(walked, step):
    walked.check(step)


def test_recording_agrees_with_specification_and_table(walked, recorded):
    coverage.check(CLIENT, recorded(CLIENT).exchanges())
