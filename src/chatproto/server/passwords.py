"""Passwords: hashed by argon2id, checked in constant time for unknown users too."""

from __future__ import annotations

import unicodedata
from functools import cached_property
from typing import Any, Protocol

import trio

from chatproto.errors import MatrixError

MIN_BYTES = 8
MAX_BYTES = 512


class PasswordHasher(Protocol):
    """Makes and checks password hashes; slow on purpose, so off the event loop."""

    async def hash(self, password: str) -> str: ...
    async def verify(self, stored: str | None, password: str) -> bool: ...


def check_new_password(password: str) -> None:
    """Raises MatrixError M_WEAK_PASSWORD."""
    size = len(unicodedata.normalize("NFKC", password).encode())
    if not MIN_BYTES <= size <= MAX_BYTES:
        raise MatrixError(
            "M_WEAK_PASSWORD",
            f"a password has {MIN_BYTES} to {MAX_BYTES} bytes, this one has {size}",
        )


class Argon2Hasher:
    """argon2id with OWASP's second choice: 46 MiB, one pass, one lane."""

    def __init__(self, *, memory_kib: int = 47_104, passes: int = 1) -> None:
        self._memory_kib = memory_kib
        self._passes = passes
        # Two at a time: logging in cannot starve sending of cores or memory.
        self._limiter = trio.CapacityLimiter(2)

    async def hash(self, password: str) -> str:
        return await trio.to_thread.run_sync(
            self._hasher.hash,
            _normal(password),
            limiter=self._limiter,
        )

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is right; as slow for a user who does not exist."""
        if len(password) > MAX_BYTES:
            return False
        return await trio.to_thread.run_sync(
            self._verify,
            stored,
            _normal(password),
            limiter=self._limiter,
        )

    def _verify(self, stored: str | None, password: str) -> bool:
        from argon2.exceptions import VerificationError

        try:
            self._hasher.verify(stored or self._dummy, password)
        except VerificationError:
            return False
        return stored is not None

    @cached_property
    def _dummy(self) -> str:
        hashed: str = self._hasher.hash("nobody has this password")
        return hashed

    @cached_property
    def _hasher(self) -> Any:
        import argon2  # here, for a server's start should not wait for it

        return argon2.PasswordHasher(
            time_cost=self._passes,
            memory_cost=self._memory_kib,
            parallelism=1,
        )


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
