"""A real server, a real browser, and people who look at one through the other."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from scripts.javascript import FOLDER, install
from tests.integration.harness import ServerProcess
from tests.ui.person import Api, Person, Watch, violations

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    # An answer made by a test or a service worker is from nowhere, it thinks, and a
    # page from there must not speak to this machine.
    "--disable-features=LocalNetworkAccessChecks",
)
_DESKTOP = {"width": 1280, "height": 800}
_PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of the machine; scripts/setup-venv.sh says how it gets there."""
    path = shutil.which("chromium")
    assert path, "chromium is missing; run make .make/dev"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server_options() -> tuple[str, ...]:
    """What a file of tests may tell its server besides."""
    return ()


@pytest.fixture(scope="module")
def server(tmp_path_factory, server_options) -> Iterator[ServerProcess]:
    """One server for a file of tests, where anybody may register."""
    running = ServerProcess(
        tmp_path_factory.mktemp("server") / "data",
        "--registration=open",
        "--rate-limits=off",
        *server_options,
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def register(server) -> Iterator[Callable[..., Api]]:
    """register("anna"): a user whom nobody has seen before, called Anna."""
    numbers = itertools.count(1)
    made: list[Api] = []

    def one(name: str = "somebody", display_name: str = "") -> Api:
        localpart = f"{name}-{next(numbers)}"
        made.append(Api.register(server.url, localpart, display_name or name.title()))
        return made[-1]

    yield one
    for api in made:
        api.http.close()


@pytest.fixture
def window(chromium, server) -> Iterator[Callable[..., tuple[Page, Watch]]]:
    """window(): an empty page in a window of its own, and what is noted of it.

    A test fails if something went wrong in one of its windows that was not forgiven.
    """
    opened: list[tuple[Any, Watch]] = []

    def one(*, touch: bool = False, **options: Any) -> tuple[Page, Watch]:
        chosen = {"viewport": _PHONE if touch else _DESKTOP, "locale": "en-GB"}
        if touch:
            chosen |= {"has_touch": True, "is_mobile": True}
        context = chromium.new_context(**chosen | options)
        watch = Watch(server.url)
        watch.follow(context)
        opened.append((context, watch))
        return context.new_page(), watch

    yield one
    for context, _ in opened:
        context.close()
    for _, watch in opened:
        watch.check()


@pytest.fixture
def people(register, window) -> Callable[..., Person]:
    """people("anna"): a person who is logged in and sees the chats.

    Options: `display_name`, `logged_in=False`, `touch`, and those of a browser context
    (viewport, locale, color_scheme, reduced_motion).
    """

    def one(
        name: str, *, display_name: str = "", logged_in: bool = True, **options: Any
    ) -> Person:
        api = register(name, display_name)
        page, watch = window(**options)
        person = Person(name, api, page.context, page, watch)
        if logged_in:
            person.log_in()
        return person

    return one


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    """axe(page): what axe-core finds wrong; the window has to have bypass_csp=True."""
    install()
    source = (FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text()

    def check(page: Page) -> list[str]:
        page.evaluate(source)
        return list(violations(page.evaluate("() => axe.run()")))

    return check
