"""Application services."""

from __future__ import annotations

from chatproto.ports import Migration

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        8,
        "what application services have been told",
        (
            # `pending` is the body of the transaction `txn` as long as it has not
            # been taken; it holds events up to `pos`.
            """create table appservices (
                id text primary key,
                pos integer not null,
                txn integer not null,
                pending text
            ) without rowid""",
        ),
    ),
)
