"""A real server for the real clients of a file, and what they say written down."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import httpx2
import pytest

from tests.conformance.walks import PASSWORD, SERVER_NAME, Account, Recording, Server
from tests.integration.harness import ServerProcess


@pytest.fixture(scope="module")
def server_options() -> tuple[str, ...]:
    """What a file of tests may tell its server besides."""
    return ()


@pytest.fixture(scope="module")
def server(tmp_path_factory, server_options) -> Iterator[Server]:
    """One server for a file of tests, where anybody may register."""
    running = ServerProcess(
        tmp_path_factory.mktemp("server") / "data",
        f"--server-name={SERVER_NAME}",
        "--registration=open",
        "--rate-limits=off",
        *server_options,
    )
    running.start()
    yield Server(running)
    running.stop()


@pytest.fixture(scope="module")
def recorded(server, tmp_path_factory) -> Iterator[Callable[[str], Recording]]:
    """recorded("nio").url: the server's address for that client."""
    folder = tmp_path_factory.mktemp("recordings")
    started: dict[str, Recording] = {}

    def start(client: str) -> Recording:
        if client not in started:
            started[client] = Recording.start(client, server, folder)
        return started[client]

    yield start
    for recording in started.values():
        recording.stop()


@pytest.fixture(scope="module")
def register(server) -> Callable[..., Account]:
    """register(): a user whom nobody has seen before; with a name if one is given."""
    numbers = itertools.count(1)

    def one(localpart: str = "") -> Account:
        localpart = localpart or f"walker{next(numbers)}"
        body = {
            "username": localpart,
            "password": PASSWORD,
            "auth": {"type": "m.login.dummy"},
            "inhibit_login": True,
        }
        url = f"{server.url}/_matrix/client/v3/register"
        answer = httpx2.post(url, json=body)
        if answer.status_code == 401:
            body["auth"]["session"] = answer.json()["session"]
            answer = httpx2.post(url, json=body)
        assert answer.status_code == 200, answer.text
        return Account(localpart, answer.json()["user_id"], PASSWORD)

    return one
