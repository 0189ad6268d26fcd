from __future__ import annotations

import pytest

from chatproto.server.handlers.pushers import is_gateway

NOTIFY = "/_matrix/push/v1/notify"


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        (f"https://push.example.org{NOTIFY}", True),
        (f"http://127.0.0.1:8080{NOTIFY}", True),
        (f"https://push.example.org{NOTIFY}?key=1", True),
        (f"https://push.example.org/x{NOTIFY}", False),
        (f"ftp://push.example.org{NOTIFY}", False),
        (f"https://{NOTIFY}", False),
        (f"https://push.example.org:0{NOTIFY}", False),
        (f"https://push.example.org:x{NOTIFY}", False),
        (f"https://{'x' * 2000}{NOTIFY}", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_gateway(url, is_one):
    assert is_gateway(url) is is_one
