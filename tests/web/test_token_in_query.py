from __future__ import annotations

import pytest
import trio

from chatproto.decisions import Caller
from chatproto.operations.accounts import Register
from reference_server.app import open_server
from reference_server.config import Config
from reference_server.serve import make_app

WHOAMI = "/_matrix/client/v3/account/whoami"


async def statuses(tmp_path, **settings):
    """The statuses of calls with the token in the header and in the query."""
    config = Config(data=str(tmp_path), registration="open", **settings)
    async with open_server(config) as server:
        new = Register(
            username="ann", password="annpassword", auth={"type": "m.login.dummy"}
        )
        token = (await server.engine.call(Caller(), new)).access_token
        client = make_app(server, trio.Event()).quart.test_client()
        bearer = {"Authorization": f"Bearer {token}"}
        calls = (
            await client.get(WHOAMI, headers=bearer),
            await client.get(f"{WHOAMI}?access_token={token}"),
            await client.get(f"{WHOAMI}?access_token=guess"),
        )
        return [answer.status_code for answer in calls]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        pytest.param({}, [200, 401, 401], id="off unless set"),
        pytest.param({"token_in_query": True}, [200, 200, 401], id="on"),
    ],
)
async def test_token_in_the_query(tmp_path, settings, wanted):
    assert await statuses(tmp_path, **settings) == wanted
