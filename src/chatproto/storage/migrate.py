"""Numbered migrations, run once each, recorded where sqlite-utils records its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from chatproto.errors import LocalError
from chatproto.ports import Migration

_LOG = "_sqlite_migrations"


def migrate(
    connection: sqlite3.Connection,
    owner: str,
    migrations: Sequence[Migration],
) -> None:
    """Bring an owner's tables up to date.

    Raises LocalError if the database was made by a newer release.
    """
    applied = _applied(connection, owner)
    numbers = {_name(migration) for migration in migrations}
    unknown = sorted(applied - numbers)
    if unknown:
        raise LocalError(
            f"the database has migrations of {owner} that this release does not know: "
            f"{', '.join(unknown)}; use the release that made them, or a newer one",
        )
    due = [migration for migration in migrations if _name(migration) not in applied]
    if due:
        _run(connection, owner, due)


def _applied(connection: sqlite3.Connection, owner: str) -> set[str]:
    known = connection.execute(
        "select 1 from sqlite_master where type='table' and name=?",
        (_LOG,),
    ).fetchone()
    if known is None:
        return set()
    sql = f"select name from {_LOG} where migration_set=?"  # noqa: S608  # a constant
    return {name for (name,) in connection.execute(sql, (owner,))}


def _run(connection: sqlite3.Connection, owner: str, due: Sequence[Migration]) -> None:
    from sqlite_utils import Database, Migrations  # here, for most starts need none

    migrations = Migrations(owner)
    for migration in due:

        def step(database: Database, migration: Migration = migration) -> None:
            for statement in migration.sql:
                database.execute(statement)

        migrations(name=_name(migration))(step)
    migrations.apply(Database(connection))


def _name(migration: Migration) -> str:
    return f"{migration.number:04} {migration.name}"
