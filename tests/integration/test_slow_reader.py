"""Who does not read costs little, disturbs nobody, and catches up afterwards."""

from __future__ import annotations

import json
import re
from pathlib import Path

import trio

ROUNDS = 40
TEXT = "x" * 20_000


def rss_kb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1])


async def open_raw(url: str, token: str) -> trio.SocketStream:
    """A socket of which nothing is read unless we say so."""
    stream = await trio.open_tcp_stream("127.0.0.1", int(url.rsplit(":", 1)[1]))
    await stream.send_all(
        b"GET /_chatproto/v1/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Protocol: chatproto.1\r\nSec-WebSocket-Version: 13\r\n\r\n",
    )
    hello = json.dumps({"hello": {"token": token}}).encode()
    assert len(hello) < 126
    await stream.send_all(bytes((0x81, 0x80 | len(hello))) + bytes(4) + hello)
    return stream


async def test_stalled_reader_gets_limited_timeline(server, direct, nursery):
    anna, boris, room_id = direct
    stalled = await open_raw(server.url, boris.token)
    await trio.sleep(0.2)
    await anna.connect(nursery)
    before = rss_kb(server.process.pid)
    number = 0
    for _ in range(ROUNDS):
        with trio.fail_after(5):  # nobody waits for the one who does not read
            for _ in range(10):
                number += 1
                await anna.say(room_id, f"{number} {TEXT}", f"n{number}")
    assert rss_kb(server.process.pid) - before < 30_000

    received = bytearray()
    last = f'"body":"{number} '.encode()
    with trio.fail_after(20):
        while last not in received:
            received += await stalled.receive_some(1 << 20)
    text = bytes(received)
    assert text.count(b'"body":"') < number, "it did not get everything"
    limited = re.findall(rb'"limited":true,"prev_batch":"(t\d+)"', text)
    assert limited, "the gap is told, with the point from which to page back"
    path = f"/_matrix/client/v3/rooms/{room_id}/messages?dir=b&limit=5"
    page = await boris.request("GET", f"{path}&from={limited[-1].decode()}")
    assert len(page["chunk"]) == 5
    await stalled.aclose()
