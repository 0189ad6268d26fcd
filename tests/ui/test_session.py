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
IN_BROWSER = (FOLDER / "in_browser.js").read_text()
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


@pytest.fixture
def tabs(window, server):
    """tabs(2): pages of one browser that do nothing but what a test has them do."""

    def opened(count):
        first, watch = window()
        pages = [first, *(first.context.new_page() for _ in range(count - 1))]
        for page in pages:
            show_nothing(page, server)
        return pages, watch

    return opened


def show_nothing(page, server):
    page.goto(f"{server.url}/ui/vendor/versions.json")
    page.evaluate(IN_BROWSER)


def log_in(page, api, **proof):
    told = {"user": api.user_id, "password": PASSWORD}
    page.evaluate("([told, proof]) => world.logIn(told, proof)", [told, proof])


def test_session_in_browser_outlives_its_page(tabs, register, server):
    (page,), _ = tabs(1)
    log_in(page, register())
    room_id = page.evaluate("() => world.make('Kept')")
    page.evaluate("(roomId) => world.say(roomId, 'kept')", room_id)
    page.evaluate("(roomId) => world.session.setDraft(roomId, {body: 'a'})", room_id)
    page.evaluate("() => world.session.flush()")
    show_nothing(page, server)
    # What is there at once is there without the server.
    assert page.evaluate("() => world.resume()") == ["kept"]
    assert page.evaluate("(roomId) => world.draft(roomId)", room_id) == {"body": "a"}
    page.evaluate("() => world.session.logOut()")
    assert page.evaluate("() => world.stored()") == []


def test_upload_in_browser_tells_progress(tabs, register):
    (page,), _ = tabs(1)
    log_in(page, register())
    told = page.evaluate("() => world.upload(3_000_000)")
    assert told["fractions"][-1] == 1
    assert told["fractions"] == sorted(told["fractions"])
    assert told["size"] == 3_000_000


def test_tab_that_stays_stores_on(tabs, register, server):
    (first, second), _ = tabs(2)
    log_in(first, register())
    room_id = first.evaluate("() => world.make('Shared')")
    second.evaluate("() => world.resume()")
    first.close()
    second.evaluate("(roomId) => world.say(roomId, 'later')", room_id)
    second.wait_for_function(
        "() => world.storedTexts().then((t) => t.includes('later'))"
    )


def test_tabs_replace_tokens_once(tabs, register):
    (first, second), _ = tabs(2)
    asked = []
    first.context.on("request", lambda request: asked.append(request.url))
    log_in(first, register(), lifeMs=4_000)
    second.evaluate("() => world.resume()")
    for page in (first, second):
        page.wait_for_function("() => world.isRenewed()")
    tokens = [p.evaluate("() => world.token()") for p in (first, second)]
    assert tokens[0] == tokens[1]
    assert len([url for url in asked if url.endswith("/refresh")]) == 1


def test_log_out_ends_other_tabs(tabs, register):
    (first, second), watch = tabs(2)
    watch.forgive("401")  # the other tab asks why its token is not good any more
    log_in(first, register())
    second.evaluate("() => world.resume()")
    first.evaluate("() => world.session.logOut()")
    second.wait_for_function("() => world.ended === 'M_UNKNOWN_TOKEN'")
    assert second.evaluate("() => world.stored()") == []
