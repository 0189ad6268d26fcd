from __future__ import annotations

import pytest

from chatproto.errors import LocalError
from chatproto.storage.keys import FileKeyStore


def test_key_is_made_once_and_is_the_servers_alone(tmp_path):
    first = FileKeyStore(tmp_path).signing_key()
    assert FileKeyStore(str(tmp_path)).signing_key().key_id == first.key_id
    assert (tmp_path / "signing.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    ["", "ed25519:a", "ed25519:a not-base64!", "ed25519:a AAAA", "one two three"],
)
def test_file_without_a_key_is_refused(tmp_path, text):
    (tmp_path / "signing.key").write_text(text)
    with pytest.raises(LocalError, match=r"signing\.key does not hold a signing key"):
        FileKeyStore(tmp_path).signing_key()
    assert (tmp_path / "signing.key").read_text() == text
