from __future__ import annotations

import pytest

from tests.unit.server.harness import open_chat


@pytest.fixture
async def chat():
    async with open_chat() as chat:
        yield chat


@pytest.fixture
async def ann(chat):
    return await chat.person("ann")


@pytest.fixture
async def bob(chat):
    return await chat.person("bob")


@pytest.fixture
async def cat(chat):
    return await chat.person("cat")


@pytest.fixture
async def room(chat, ann, bob):
    """A private room of Ann (its owner) and Bob."""
    return await chat.room_of(ann, bob)
