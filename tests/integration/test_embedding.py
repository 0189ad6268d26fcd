from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.harness import Client

EXAMPLE = Path("examples/embed_in_quart.py").resolve()


@pytest.fixture
def url(tmp_path):
    process = subprocess.Popen(
        [sys.executable, EXAMPLE, "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    yield re.search(r"http://\S+", line)[0]
    process.kill()
    process.wait(10)
    process.stdout.close()


async def test_applications_users_chat_with_its_tokens(url, nursery):
    alice, bob = Client(url), Client(url)
    for client, name in ((alice, "alice"), (bob, "bob")):
        answer = await client.request("GET", f"/chat-token?user={name}")
        client.token = answer["token"]
        who = await client.request("GET", "/_matrix/client/v3/account/whoami")
        client.user_id = who["user_id"]
    assert alice.user_id == "@alice:example.org"
    assert (await alice.http.get("/")).text == "an application, with chat inside"

    module = await alice.http.get("/_chatproto/ui/vendor/lit.js")
    assert module.headers["content-type"].startswith("text/javascript")
    assert "cross-origin" in module.headers["cross-origin-resource-policy"]

    await bob.connect(nursery)
    await bob.items("sync")
    body = {"user_id": bob.user_id}
    room_id = (await alice.request("POST", "/_chatproto/v1/direct", body))["room_id"]
    await bob.call("room.join", room_id=room_id)
    await alice.say_over_http(room_id, "from the application", "1")
    while True:
        event = await bob.items("event")
        if event["type"] == "m.room.message":
            break
    assert event["content"]["body"] == "from the application"
    await alice.close()
    await bob.close()
