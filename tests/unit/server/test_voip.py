from __future__ import annotations

import pytest

from chatproto.operations.voip import GetTurnServer
from chatproto.server.handlers.voip import turn_credentials
from chatproto.server.settings import Settings
from tests.unit.server.harness import SERVER, json_of, open_chat

TURN = {"turn_uris": ("turn:turn.example.org",), "turn_secret": "north"}


async def test_without_a_relay_the_answer_is_empty(ann):
    assert json_of(await ann.call(GetTurnServer())) == {}


async def test_relay_is_told_with_credentials():
    async with open_chat(**TURN, turn_life_ms=600_000) as chat:
        ann = await chat.person("ann")
        answer = json_of(await ann.call(GetTurnServer()))
        expires = chat.clock.now_ms() // 1000 + 600
    assert answer["uris"] == ["turn:turn.example.org"]
    assert answer["ttl"] == 600
    assert answer["username"] == f"{expires}:{ann.id}"


@pytest.mark.parametrize(
    ("secret", "password"),
    [
        # openssl dgst -sha1 -hmac SECRET -binary | base64, of 86400:@ann:example.org
        pytest.param("north", "dSvBPbk0pa7r8VDOCvTkTIr8If0=", id="one"),
        pytest.param("n\u00f6rd", "bOBR3ca9VX3s8B97PA/4A9hcF+Y=", id="not ASCII"),
    ],
)
def test_password_is_what_the_relay_computes(secret, password):
    settings = Settings(server_name=SERVER, turn_uris=("turn:x",), turn_secret=secret)
    made = turn_credentials(settings, "@ann:example.org", 0)
    assert (made.username, made.password) == ("86400:@ann:example.org", password)


def test_secret_is_not_shown():
    assert "north" not in repr(Settings(server_name=SERVER, **TURN))
