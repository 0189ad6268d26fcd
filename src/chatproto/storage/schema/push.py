"""Pushers."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        5,
        "pushers",
        (
            """create table pushers (
                user_id text not null,
                app_id text not null,
                pushkey text not null,
                device_id text not null,
                kind text not null,
                app_display_name text not null,
                device_display_name text not null,
                profile_tag text,
                lang text not null,
                data json not null,
                created_ts integer not null,
                pos integer not null,
                primary key (user_id, app_id, pushkey)
            ) without rowid""",
            "create index pushers_device on pushers (user_id, device_id)",
        ),
    ),
)
