"""Uploads that are announced, thumbnails, quotas."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = ()
