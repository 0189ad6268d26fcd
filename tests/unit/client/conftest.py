from __future__ import annotations

import pytest

from chatproto.testing import TrioClock, open_engine
from tests.unit.client.harness import Net, run_jumping


def pytest_itemcollected(item):
    """A test with `net` runs on a clock that does not wait."""
    if "net" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.trio(run=run_jumping), append=False)


@pytest.fixture
async def net():
    clock = TrioClock()
    async with open_engine("anna", "boris", clock=clock) as engine:
        yield Net(engine, clock)
