"""What users have reported to those who administer the server."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        60,
        "reports",
        (
            """create table reports (
                report_id integer primary key autoincrement,
                received_ts integer not null,
                reporter text not null,
                reason text not null,
                room_id text,
                event_id text,
                user_id text,
                event json
            )""",
        ),
    ),
)
