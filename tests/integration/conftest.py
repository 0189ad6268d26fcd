"""A real server for each test, and clients that have logged in to it."""

from __future__ import annotations

import pytest

from tests.integration.harness import Client, ServerProcess


@pytest.fixture
def server(tmp_path):
    running = ServerProcess(tmp_path / "data", "--demo", "--rate-limits=off")
    running.start()
    yield running
    running.stop()


@pytest.fixture
async def log_in(server):
    clients: list[Client] = []

    async def one(name: str) -> Client:
        clients.append(await Client(server.url).log_in(name))
        return clients[-1]

    yield one
    for client in clients:
        await client.close()


@pytest.fixture
async def direct(log_in):
    """user1 and user2 with the direct chat between them."""
    anna, boris = await log_in("user1"), await log_in("user2")
    made = await anna.request(
        "POST",
        "/_chatproto/v1/direct",
        {"user_id": boris.user_id},
    )
    return anna, boris, made["room_id"]
