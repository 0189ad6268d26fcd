"""Files over real HTTP: streamed, in parts, small, announced, and kept."""

from __future__ import annotations

import trio

from chatproto.client import connect
from tests.web.pictures import jpeg, opened

V1 = "/_matrix/client/v1/media"


async def upload(client, data, kind, path="/_matrix/media/v3/upload", verb="POST"):
    answer = await client.http.request(
        verb, path, content=data, headers={**bearer(client), "Content-Type": kind}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def get(client, path, **headers):
    return await client.http.get(path, headers={**bearer(client), **headers})


def bearer(client):
    return {"Authorization": f"Bearer {client.token}"}


async def pieces(size, count):
    for number in range(count):
        yield bytes([number]) * size


async def test_large_file_streams_through(log_in):
    anna, boris = await log_in("user1"), await log_in("user2")
    made = await upload(anna, pieces(1 << 20, 30), "video/mp4")
    path = f"{V1}/download/{made['content_uri'].removeprefix('mxc://')}"
    whole = await get(boris, path)
    assert len(whole.content) == 30 << 20
    assert whole.headers["access-control-allow-origin"] == "*"
    start = (7 << 20) - 5
    part = await get(boris, path, Range=f"bytes={start}-{start + 9}")
    assert (part.status_code, part.content) == (206, b"\6" * 5 + b"\7" * 5)
    beyond = await get(boris, path, Range="bytes=99999999-")
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{30 << 20}"


async def test_file_that_is_too_large_is_refused(log_in):
    anna = await log_in("user1")
    answer = await anna.http.post(
        "/_matrix/media/r0/upload", content=pieces(1 << 20, 60), headers=bearer(anna)
    )
    assert (answer.status_code, answer.json()["errcode"]) == (413, "M_TOO_LARGE")


async def test_old_path_takes_what_the_new_does(log_in):
    anna = await log_in("user1")
    data = b"x" * (1 << 20)
    made = await upload(anna, data, "text/plain", "/_matrix/media/r0/upload")
    name = made["content_uri"].removeprefix("mxc://")
    assert (await get(anna, f"/_matrix/media/r0/download/{name}")).content == data


async def test_thumbnails_are_made_while_others_talk(direct):
    anna, boris, room_id = direct
    photo = jpeg(4000, 3000, orientation=6)
    made = await upload(anna, photo, "image/jpeg")
    path = f"{V1}/thumbnail/{made['content_uri'].removeprefix('mxc://')}"
    got = []

    async def ask(side):
        answer = await get(boris, f"{path}?width={side}&height={side}&method=crop")
        got.append(opened(answer.content).size)

    async with trio.open_nursery() as nursery:
        for side in (32, 96, 192, 320, 640):
            nursery.start_soon(ask, side)
        with trio.fail_after(5):
            await anna.say_over_http(room_id, "hello", "1")
    assert sorted(got) == [(side, side) for side in (32, 96, 192, 320, 640)]


async def test_announced_file_survives_a_restart(server, log_in):
    anna, boris = await log_in("user1"), await log_in("user2")
    made = await anna.request("POST", "/_matrix/media/v1/create")
    name = made["content_uri"].removeprefix("mxc://")
    server.stop()
    server.restart()
    got = []

    async def wait():
        got.append(await get(boris, f"{V1}/download/{name}?timeout_ms=10000"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        path = f"/_matrix/media/v3/upload/{name}?filename=%D0%B0.txt"
        await upload(anna, b"late", "text/plain", path, "PUT")
    assert got[0].content == b"late"
    assert "%D0%B0.txt" in got[0].headers["content-disposition"]


async def test_our_client_gets_thumbnails(server, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg(4000, 3000))
    async with connect(server.url, user="user1", password="user1pass") as anna:
        uri = await anna.upload(photo, content_type="image/jpeg")
        async with anna.thumbnail(uri, width=90, height=90, method="crop") as small:
            assert small.content_type == "image/jpeg"
            assert opened(await small.read()).size == (96, 96)
