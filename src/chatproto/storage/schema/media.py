"""Uploads that are announced, and how much each user has uploaded."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        7,
        "announced uploads, use of space",
        (
            """create table media_pending (
                media_id text primary key,
                user_id text not null,
                expires_ts integer not null
            ) without rowid""",
            "create index media_pending_user on media_pending (user_id)",
            "create index media_user on media (user_id, created_ts, size)",
        ),
    ),
)
