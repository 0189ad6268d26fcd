from __future__ import annotations

import pytest

from chatproto.storage.memory import MemoryStore
from chatproto.storage.sqlite import SqliteStore
from tests.unit.storage.harness import new_room, opened


@pytest.fixture(params=["file", "memory"])
def new_store(request, tmp_path):
    """Makes stores of each kind; those of a file share it."""
    if request.param == "memory":
        return MemoryStore
    return lambda: SqliteStore(tmp_path / "chat.db")


@pytest.fixture
async def at(new_store):
    async with opened(new_store()) as at:
        yield at


@pytest.fixture
async def room(at):
    """A store with a room of Ann and Bob."""
    await at.write(*new_room())
    return at
