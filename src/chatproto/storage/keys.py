"""The server's signing key, in a file that only the server may read."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import field, frozen

from chatproto.errors import LocalError
from chatproto.signing import SigningKey, decode_base64, encode_base64

SEED_BYTES = 32


@frozen
class FileKeyStore:
    """Keeps the key in `signing.key` of a folder, and makes it where there is none."""

    folder: Path = field(converter=Path)

    def signing_key(self) -> SigningKey:
        """Raises LocalError if the file does not hold a key."""
        path = self.folder / "signing.key"
        if not path.exists():
            self._make(path)
        try:
            key_id, seed = path.read_text().split()
            key = decode_base64(seed)
            if len(key) != SEED_BYTES:
                raise ValueError(f"{len(key)} bytes instead of {SEED_BYTES}")
            return SigningKey(key_id, key)
        except ValueError as error:
            raise LocalError(f"{path} does not hold a signing key: {error}") from None

    def _make(self, path: Path) -> None:
        version = os.urandom(3).hex()
        text = f"ed25519:{version} {encode_base64(os.urandom(32))}\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


@frozen
class FixedKeyStore:
    """A key given beforehand, as tests and embedders have one."""

    key: SigningKey

    def signing_key(self) -> SigningKey:
        return self.key
