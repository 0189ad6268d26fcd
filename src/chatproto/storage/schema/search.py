"""The full-text index of messages."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = ()
