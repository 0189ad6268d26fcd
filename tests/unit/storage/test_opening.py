from __future__ import annotations

import sqlite3

import pytest

from chatproto.errors import LocalError
from chatproto.ports import Migration
from chatproto.storage.sqlite import SqliteStore
from tests.unit.storage.harness import opened

FIRST = Migration(1, "first", ("create table thing_a (id text primary key)",))
BROKEN = Migration(
    2, "second", ("create table thing_b (id text)", "insert into nowhere values (1)")
)
SECOND = Migration(2, "second", ("create table thing_b (id text)",))


def tables(path):
    with sqlite3.connect(path) as db:
        found = db.execute("select name from sqlite_master where type='table'")
        return {name for (name,) in found if name.startswith("thing")}


async def test_migrations_run_once_and_in_order(tmp_path):
    path = tmp_path / "chat.db"
    async with opened(SqliteStore(path)) as at:
        await at.store.migrate("thing", [FIRST])
    async with opened(SqliteStore(path)) as at:
        await at.store.migrate("thing", [FIRST, SECOND])
    assert tables(path) == {"thing_a", "thing_b"}


async def test_owners_do_not_mix(tmp_path):
    path = tmp_path / "chat.db"
    other = Migration(1, "first", ("create table thing_other (id text)",))
    async with opened(SqliteStore(path)) as at:
        await at.store.migrate("thing", [FIRST])
        await at.store.migrate("other", [other])
    assert tables(path) == {"thing_a", "thing_other"}


async def test_failing_migration_leaves_nothing_of_itself(tmp_path):
    path = tmp_path / "chat.db"
    async with opened(SqliteStore(path)) as at:
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            await at.store.migrate("thing", [FIRST, BROKEN])
    assert tables(path) <= {"thing_a"}
    async with opened(SqliteStore(path)) as at:
        await at.store.migrate("thing", [FIRST, SECOND])
    assert tables(path) == {"thing_a", "thing_b"}


async def test_newer_database_is_refused_with_advice(tmp_path):
    path = tmp_path / "chat.db"
    async with opened(SqliteStore(path)):
        pass
    with sqlite3.connect(path) as db:
        db.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at) "
            "values ('chatproto', '9999 the future', '')"
        )
    with pytest.raises(LocalError, match=r"9999 the future; use the release that made"):
        async with opened(SqliteStore(path)):
            pass


@pytest.mark.parametrize(
    "content",
    [b"not a database at all, but text" * 50, b"SQLite format 3\0" + b"x" * 99],
)
async def test_file_that_is_no_database_is_refused(tmp_path, content):
    path = tmp_path / "chat.db"
    path.write_bytes(content)
    with pytest.raises(LocalError, match=r"chat\.db cannot be opened"):
        async with opened(SqliteStore(path)):
            pass
    assert path.read_bytes() == content


async def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(LocalError, match="cannot be opened"):
        async with opened(SqliteStore(tmp_path / "none" / "chat.db")):
            pass


async def test_closed_store_is_no_use(tmp_path):
    async with opened(SqliteStore(tmp_path / "chat.db")) as at:
        pass
    with pytest.raises(LocalError, match="not open"):
        await at.store.last_pos()
    with pytest.raises(LocalError, match="not open"):
        at.submit()


async def test_power_loss_is_reckoned_with(tmp_path):
    async with opened(SqliteStore(tmp_path / "chat.db")) as at:
        connection = at.store._connect()
        modes = [
            connection.execute(f"pragma {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        ]
        connection.close()
    assert modes == ["wal", 2]
