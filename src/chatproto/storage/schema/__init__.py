"""The tables, as numbered steps that are never changed once released."""

from __future__ import annotations

from chatproto.ports import Migration
from chatproto.storage.schema import (
    appservices,
    encryption,
    guests,
    media,
    push,
    reports,
    search,
    tables,
)

MIGRATIONS: tuple[Migration, ...] = (
    tables.MIGRATIONS
    + encryption.MIGRATIONS
    + push.MIGRATIONS
    + search.MIGRATIONS
    + reports.MIGRATIONS
    + media.MIGRATIONS
    + appservices.MIGRATIONS
    + guests.MIGRATIONS
)
