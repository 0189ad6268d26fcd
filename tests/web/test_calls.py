from __future__ import annotations

import pytest

from reference_server.app import engine_settings
from reference_server.config import Config, ConfigError


def test_relay_is_what_the_operator_says():
    uris = ["turn:turn.example.org", "turns:turn.example.org"]
    settings = engine_settings(Config(turn_uris=uris, turn_secret="north"))
    assert settings.turn_uris == tuple(uris)
    assert settings.turn_secret == "north"
    assert settings.turn_life_ms == 86_400_000


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"turn_uris": ["turn:a"]}, id="no secret"),
        pytest.param({"turn_uris": ["a"], "turn_secret": "s"}, id="no URI"),
        pytest.param({"turn_life_ms": 59_999}, id="short life"),
    ],
)
def test_wrong_relay_is_refused(fields):
    with pytest.raises(ConfigError, match="turn_"):
        engine_settings(Config(**fields))
