"""Keys of devices and users, cross-signing, key backups."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = ()
