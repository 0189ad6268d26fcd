"""Pushers."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = ()
