"""Who is there without an account of their own."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        90,
        "guests",
        ("alter table users add column is_guest integer not null default 0",),
    ),
)
