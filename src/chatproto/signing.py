"""Ed25519 signatures and hashes over canonical JSON (specification, "Signing JSON")."""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode, b64encode, urlsafe_b64encode
from functools import cached_property

import nacl.exceptions
import nacl.signing
from attrs import define, field

from chatproto.canonical import JsonObject, canonical, canonical_of_checked
from chatproto.errors import MatrixError


@define(eq=False, slots=False)
class SigningKey:
    """A server's key; `key_id` is like "ed25519:a1"."""

    key_id: str
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, version: str, seed: bytes) -> SigningKey:
        """A key from 32 random bytes."""
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


def verify_json(obj: JsonObject, server: str, key_id: str, verify_key: str) -> None:
    """Raises MatrixError M_FORBIDDEN if the signature is missing or wrong."""
    try:
        signature = obj["signatures"][server][key_id]
        key = nacl.signing.VerifyKey(decode_base64(verify_key))
        key.verify(canonical(_signed_part(obj)), decode_base64(signature))
    except (KeyError, TypeError, ValueError, nacl.exceptions.CryptoError):
        message = f"no valid signature of {server} with the key {key_id}"
        raise MatrixError("M_FORBIDDEN", message) from None


def content_hash(event: JsonObject) -> str:
    """The event's sha256 hash (specification, "Calculating the content hash")."""
    hashed = {k: v for k, v in event.items() if k not in _NOT_HASHED}
    return encode_base64(hashlib.sha256(canonical_of_checked(hashed)).digest())


def reference_hash(redacted: JsonObject) -> str:
    """The URL-safe hash of a redacted event, which is its ID without the "$"."""
    data = canonical_of_checked(_signed_part(redacted))
    return encode_base64_url(hashlib.sha256(data).digest())


def encode_base64(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")


def encode_base64_url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def decode_base64(text: str) -> bytes:
    """Read base64 with or without padding. Raises ValueError."""
    try:
        return b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None


_NOT_HASHED = frozenset(("unsigned", "signatures", "hashes"))


def _signed_part(obj: JsonObject) -> JsonObject:
    return {k: v for k, v in obj.items() if k not in ("signatures", "unsigned")}
