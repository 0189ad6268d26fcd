"""The browser's client without a browser: its connection, and what it makes of it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from scripts.javascript import NODE
from tests.conformance import walks
from tests.ui.person import PASSWORD

FOLDER = Path(__file__).parent / "session"
LINK = str(FOLDER / "link_walk.mjs")
PARTS = str(FOLDER / "parts_walk.mjs")
SESSION = str(FOLDER / "session_walk.mjs")


@pytest.fixture(scope="module")
def link_walked():
    return walks.walk([NODE, LINK])


@pytest.mark.parametrize("step", walks.steps(LINK))
def test_link(link_walked, step):
    link_walked.check(step)


@pytest.fixture(scope="module")
def parts_walked():
    return walks.walk([NODE, PARTS])


@pytest.mark.parametrize("step", walks.steps(PARTS))
def test_part(parts_walked, step):
    parts_walked.check(step)


@pytest.fixture(scope="module")
def session_walked(server, register):
    names = [register(name).user_id[1:].partition(":")[0] for name in ("anna", "boris")]
    return walks.walk(
        [NODE, SESSION],
        server=server.url,
        password=PASSWORD,
        anna=names[0],
        boris=names[1],
        wishes={
            "stop": server.stop,
            "start": server.restart,
            "freeze": lambda: server.process.send_signal(signal.SIGSTOP),
            "kill": server.kill,
        },
    )


@pytest.mark.parametrize("step", walks.steps(SESSION))
def test_session(session_walked, step):
    session_walked.check(step)
