"""Ed25519 signatures and hashes over canonical JSON (specification, "Signing JSON")."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from functools import cached_property

import nacl.exceptions
import nacl.signing
from attrs import field, frozen

from chatproto.canonical import JsonObject, canonical, canonical_of_checked
from chatproto.errors import LocalError, MatrixError

_VERSION = re.compile(r"[A-Za-z0-9_]+")
_SEED_BYTES = 32


@frozen(eq=False)
class SigningKey:
    """A server's key; `key_id` is like "ed25519:a1"."""

    key_id: str
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, version: str, seed: bytes) -> SigningKey:
        """A key from 32 random bytes; `version` is letters, digits and underscores.

        Raises LocalError if either is something else.
        """
        if not _VERSION.fullmatch(version):
            raise LocalError(f"{version!r} cannot be the version of a key")
        if len(seed) != _SEED_BYTES:
            raise LocalError(f"a key needs {_SEED_BYTES} bytes, got {len(seed)}")
        return cls(f"ed25519:{version}", seed)

    @cached_property
    def _key(self) -> nacl.signing.SigningKey:
        return nacl.signing.SigningKey(self.seed)

    @cached_property
    def verify_key_base64(self) -> str:
        return encode_base64(bytes(self._key.verify_key))

    def sign(self, data: bytes) -> str:
        return encode_base64(self._key.sign(data)[:64])


def sign_json(obj: JsonObject, server: str, key: SigningKey) -> JsonObject:
    """A copy of the object with one signature more."""
    signature = key.sign(canonical(_signed_part(obj)))
    signatures = dict(obj.get("signatures", {}))
    signatures[server] = {**signatures.get(server, {}), key.key_id: signature}
    return {**obj, "signatures": signatures}


def verify_json(
    obj: JsonObject,
    server: str,
    key_id: str,
    verify_key_base64: str,
) -> None:
    """Raises MatrixError: M_FORBIDDEN if the signature is missing or wrong, M_BAD_JSON
    if the object has no canonical form.
    """
    try:
        signature = obj["signatures"][server][key_id]
        key = nacl.signing.VerifyKey(decode_base64(verify_key_base64))
        key.verify(canonical(_signed_part(obj)), decode_base64(signature))
    except (KeyError, TypeError, ValueError, nacl.exceptions.CryptoError):
        message = f"no valid signature of {server} with the key {key_id}"
        raise MatrixError("M_FORBIDDEN", message) from None


def content_hash(event: JsonObject) -> str:
    """The sha256 hash of an event that has a canonical form.

    Specification, "Calculating the content hash for an event".
    """
    hashed = {k: v for k, v in event.items() if k not in _NOT_HASHED}
    return encode_base64(sha256(canonical_of_checked(hashed)))


def reference_hash(redacted: JsonObject) -> str:
    """The URL-safe hash of a redacted event, which is its ID without the "$"."""
    return encode_base64_url(sha256(canonical_of_checked(_signed_part(redacted))))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def encode_base64(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")


def encode_base64_url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def decode_base64(text: object) -> bytes:
    """Read base64 with or without padding. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError(f"base64 is a string, got {type(text).__name__}")
    bare = text.rstrip("=")
    try:
        return b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError as error:
        raise ValueError(f"not base64: {error}") from None


_NOT_HASHED = frozenset(("unsigned", "signatures", "hashes"))


def _signed_part(obj: JsonObject) -> JsonObject:
    return {k: v for k, v in obj.items() if k not in ("signatures", "unsigned")}
