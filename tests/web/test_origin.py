from __future__ import annotations

from typing import Any

import pytest

HANDSHAKE = (
    b"GET /_chatproto/v1/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chatproto.1\r\n"
)
ORIGINS = {"http://x": 101, "http://evil": 403}


@pytest.mark.parametrize(("origin", "status"), ORIGINS.items(), ids=ORIGINS)
async def test_only_named_origins_open_sockets(
    site: Any, origin: str, status: int
) -> None:
    async with site(lambda *_: None, origins=["http://x"]) as it, it.connect() as wire:
        line = f"Origin: {origin}\r\n\r\n".encode()
        assert (await wire.ask(HANDSHAKE + line))[0] == status


@pytest.mark.parametrize("origins", [["http://y"], []], ids=["one named", "none"])
async def test_program_without_origin_opens_socket(
    site: Any, origins: list[str]
) -> None:
    async with site(lambda *_: None, origins=origins) as it, it.connect() as wire:
        assert (await wire.ask(HANDSHAKE + b"\r\n"))[0] == 101


async def test_any_page_opens_sockets_where_none_is_named(site: Any) -> None:
    async with site(lambda *_: None) as it, it.connect() as wire:
        line = b"Origin: http://evil\r\n\r\n"
        assert (await wire.ask(HANDSHAKE + line))[0] == 101
