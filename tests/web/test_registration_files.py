from __future__ import annotations

import pytest

from reference_server.appservices import read_registrations
from reference_server.config import ConfigError

GOOD = r"""
id: irc
url: http://localhost:9999
as_token: as-secret-1
hs_token: hs-secret-1
sender_localpart: ircbot
rate_limited: false
namespaces:
  users:
    - regex: "@irc_.*:example\\.org"
      exclusive: true
"""


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "irc.yaml"
        path.write_bytes(content)
        return str(path)

    return write


def test_files_are_read(written):
    (registration,) = read_registrations([written(GOOD.encode())])
    assert registration.id == "irc"
    assert registration.users[0].has("@irc_ann:example.org")
    assert not registration.rate_limited


def test_no_files_are_none():
    assert read_registrations([]) == ()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "a registration is a mapping", id="empty"),
        pytest.param(b"- 1", "a registration is a mapping", id="list"),
        pytest.param(b"id: [", "is no YAML", id="broken"),
        pytest.param(b"\xff\xfe\x00", "is no YAML", id="bytes"),
        pytest.param(b"id: !!python/name:os.system x", "is no YAML", id="code"),
        pytest.param(b"[" * 5000, "is no YAML", id="deep"),
        pytest.param(b"id: x\n" + b"#" * 2**20, "over 1048576 bytes", id="long"),
        pytest.param(b"id: irc\nurl: 5", "irc.yaml: url is", id="wrong"),
    ],
)
def test_wrong_file_is_named(written, content, told):
    with pytest.raises(ConfigError, match=r"irc\.yaml") as caught:
        read_registrations([written(content)])
    assert told in str(caught.value)


def test_missing_file_is_named():
    with pytest.raises(ConfigError, match=r"cannot read /nowhere/irc\.yaml"):
        read_registrations(["/nowhere/irc.yaml"])
