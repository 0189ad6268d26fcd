"""The browser's client without a browser: its connection, and what it makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.javascript import NODE
from tests.conformance import walks

FOLDER = Path(__file__).parent / "session"
LINK = str(FOLDER / "link_walk.mjs")
PARTS = str(FOLDER / "parts_walk.mjs")


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
