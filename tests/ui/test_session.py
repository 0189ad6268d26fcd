"""The browser's client without a browser: its connection, and what it makes of it."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

import reference_server
from chatproto.operations.table import OPERATIONS
from scripts.javascript import NODE
from tests.conformance import walks
from tests.ui.person import PASSWORD

FOLDER = Path(__file__).parent / "session"
CHATPROTO = Path(reference_server.__file__).parent / "ui" / "chatproto"
LINK = str(FOLDER / "link_walk.mjs")
PARTS = str(FOLDER / "parts_walk.mjs")
OFFLINE = str(FOLDER / "offline_walk.mjs")
SESSION = str(FOLDER / "session_walk.mjs")


def test_calls_asked_again_change_nothing():
    text = (CHATPROTO / "operations.js").read_text()
    reads = set(re.search(r"`([^`]+)`", text)[1].split())
    once = set(re.findall(r'"([a-z_.]+)"', re.search(r"ONCE = .*", text)[0]))
    operations = [o for o in OPERATIONS.by_name.values() if not o.by_hand]
    assert reads <= {o.name for o in operations if not o.writes}
    assert once == {o.name for o in operations if o.once_by == "txn_id"}


def test_every_call_is_an_operation():
    texts = [path.read_text() for path in CHATPROTO.glob("*.js")]
    calls = re.compile(r'(?:ask|call)\("([a-z_]+(?:\.[a-z_]+)*)"')
    named = {name for text in texts for name in calls.findall(text)}
    assert len(named) > 5
    assert named <= set(OPERATIONS.by_name)


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
def offline_walked():
    return walks.walk([NODE, OFFLINE])


@pytest.mark.parametrize("step", walks.steps(OFFLINE))
def test_without_server(offline_walked, step):
    offline_walked.check(step)


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
