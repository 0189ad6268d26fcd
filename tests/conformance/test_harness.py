"""What stands between the clients and the server changes nothing."""

from __future__ import annotations

import httpx2
import pytest


@pytest.fixture
def proxy(recorded):
    recording = recorded("plain")
    with httpx2.Client(base_url=recording.url, timeout=20) as http:
        yield recording, http


@pytest.fixture
def token(proxy, register):
    account = register()
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": account.user_id},
        "password": account.password,
    }
    answer = proxy[1].post("/_matrix/client/v3/login", json=body)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_exchange_is_written_down(proxy):
    recording, http = proxy
    path = "/_matrix/client/v3/directory/room/%23nobody%3Alocalhost"
    assert http.get(path, params={"n": "1"}).status_code == 404
    last = recording.exchanges()[-1]
    assert (last["client"], last["method"], last["status"]) == ("plain", "GET", 404)
    assert (last["path"], last["query"]) == (path, "n=1")
    assert last["response"]["errcode"] == "M_NOT_FOUND"


def test_preflight_passes_unchanged(proxy, server):
    recording, http = proxy
    url = "/_matrix/client/versions"
    through = http.options(url, headers={"Origin": "http://there.example"})
    direct = httpx2.options(
        server.url + url, headers={"Origin": "http://there.example"}
    )
    kept = {n: v for n, v in direct.headers.items() if n != "date"}
    assert {n: v for n, v in through.headers.items() if n in kept} == kept
    assert recording.exchanges()[-1]["method"] == "OPTIONS"


def test_bytes_come_back_whole(proxy, token):
    recording, http = proxy
    content = bytes(range(256)) * 4000

    def pieces():
        yield content[:1000]
        yield content[1000:]

    upload = http.post("/_matrix/media/v3/upload", content=pieces(), headers=token)
    name = upload.json()["content_uri"].removeprefix("mxc://")
    url = f"/_matrix/client/v1/media/download/{name}"
    assert http.get(url, headers=token).content == content
    assert recording.exchanges()[-1]["response_bytes"] == len(content)


def test_long_poll_ends_with_the_client(proxy, token):
    recording, http = proxy
    since = http.get("/_matrix/client/v3/sync", headers=token).json()["next_batch"]
    own = {"since": since}  # the second answer says that the user is here now
    answer = http.get("/_matrix/client/v3/sync", params=own, headers=token)
    since = answer.json()["next_batch"]
    count = len(recording.exchanges())
    with pytest.raises(httpx2.ReadTimeout):
        http.get(
            "/_matrix/client/v3/sync",
            params={"since": since, "timeout": 30000},
            headers=token,
            timeout=0.3,
        )
    assert len(recording.exchanges()) == count


def test_restart_keeps_the_address(proxy, server, token):
    http, url = proxy[1], server.url
    server.restart()
    assert server.url == url
    answer = http.get("/_matrix/client/v3/account/whoami", headers=token)
    assert answer.status_code == 200


def test_server_that_is_down_looks_so(proxy, server):
    server.stop()
    with pytest.raises(httpx2.TransportError):
        proxy[1].get("/_matrix/client/versions")
    server.start()
    assert proxy[1].get("/_matrix/client/versions").status_code == 200
