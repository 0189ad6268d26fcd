from __future__ import annotations

import sqlite3
import time
from queue import Queue

import pytest
import trio

from chatproto.decisions import Find, Put
from chatproto.errors import LocalError
from chatproto.ports import Transaction
from chatproto.storage.sqlite import SqliteStore
from chatproto.storage.writer import MAX_BATCH, StoreBrokenError, Writer
from tests.unit.storage.harness import message, new_room, opened

UNKNOWN = Put(table="nowhere", row={"a": 1})


def alias(name):
    return Put(table="aliases", row={"alias": name, "room_id": "!r", "creator": "@u"})


async def aliases(store):
    rows = await store.find(Find(table="aliases", where={}, order=("alias",)))
    return [row["alias"] for row in rows]


async def test_batches_keep_order_of_submission(at):
    for number in range(3 * MAX_BATCH):
        at.submit(alias(f"#{number}"), context=number)
    await at.reported(3 * MAX_BATCH)
    assert at.committed == [*range(3 * MAX_BATCH)]
    assert at.store.pending == 0


async def test_report_comes_after_submit_returned(at):
    at.submit(alias("#a"), context="a")
    assert at.reports == []
    await at.reported()
    assert at.committed == ["a"]


async def test_submit_while_reported_is_reported_later(new_store):
    depth, store, reports = 0, new_store(), []
    done = trio.Event()

    def on_commit(batch, _error):
        nonlocal depth
        assert depth == 0
        depth += 1
        reports.extend(t.context for t in batch)
        if len(reports) == 1:
            store.submit(Transaction(writes=[alias("#b")], context="b"))
        else:
            done.set()
        depth -= 1

    await store.open(on_commit)
    store.submit(Transaction(writes=[alias("#a")], context="a"))
    await done.wait()
    await store.aclose()
    assert reports == ["a", "b"]


async def test_failed_transaction_stores_nothing_of_its_batch(at):
    with pytest.raises(LocalError, match="nowhere"):
        await at.write(alias("#a"), UNKNOWN)
    assert await aliases(at.store) == []
    await at.write(alias("#b"))
    assert await aliases(at.store) == ["#b"]


def test_submitted_before_failure_is_known_fails_too(tmp_path):
    loop, reports = Queue(), []
    writer = Writer(
        lambda: Disk(tmp_path / "chat.db"),
        lambda batch, error: reports.append(([t.context for t in batch], bool(error))),
        loop.put,
    )
    writer.start()
    writer.submit(Transaction(writes=[UNKNOWN], context="bad"))
    tell = loop.get(timeout=10)
    writer.submit(Transaction(writes=[alias("#late")], context="late"))
    tell()
    writer.submit(Transaction(writes=[alias("#next")], context="next"))
    loop.get(timeout=10)()
    writer.stop()
    assert reports == [(["bad", "late"], True), (["next"], False)]


async def test_close_commits_what_was_submitted(tmp_path):
    async with opened(SqliteStore(tmp_path / "chat.db")) as at:
        for number in range(1000):
            at.submit(alias(f"#{number}"), context=number)
    assert at.committed == [*range(1000)]
    with pytest.raises(LocalError, match="not open"):
        at.submit(alias("#late"))


async def test_locked_database_is_waited_for(tmp_path):
    path = tmp_path / "chat.db"
    async with opened(SqliteStore(path)) as at:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin immediate")
        at.submit(alias("#a"))
        await trio.to_thread.run_sync(time.sleep, 0.1)
        assert at.reports == []
        other.execute("commit")
        other.close()
        await at.reported()
        assert at.errors == []


async def test_full_database_recovers_and_keeps_acknowledged(tmp_path):
    async with opened(SqliteStore(tmp_path / "chat.db")) as at:
        await at.write(*new_room())
        writer = at.store._writer._connection
        writer.execute("pragma max_page_count=60")
        seq = 2
        with pytest.raises(sqlite3.OperationalError, match="full"):
            while True:
                await at.write(message(seq + 1, seq + 1, body="x" * 2000))
                seq += 1
        assert seq > 2
        assert len(await at.store.events("!room:x", limit=200)) == seq

        writer.execute("pragma max_page_count=100000")
        await at.write(message(seq + 1, seq + 1))
    async with opened(SqliteStore(tmp_path / "chat.db")) as at:
        events = await at.store.events("!room:x", limit=200)
        assert [e.seq for e in events] == [*range(1, seq + 2)]


class Disk:
    """A connection whose commits fail while it has a `failure`."""

    def __init__(self, path):
        self._real = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False
        )
        self._real.execute(
            "create table if not exists aliases (alias, room_id, creator)"
        )
        self.failure = None

    def execute(self, sql, values=()):
        if sql == "commit" and self.failure:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = self.failure
            raise error
        return self._real.execute(sql, values)

    def __getattr__(self, name):
        return getattr(self._real, name)


async def reports_of_failing_disk(tmp_path, name):
    """What two transactions are told, the disk failing under the first."""
    disk, errors, news = Disk(tmp_path / "chat.db"), [], trio.Event()

    def on_commit(_batch, error):
        errors.append(error)
        news.set()

    token = trio.lowlevel.current_trio_token()
    writer = Writer(lambda: disk, on_commit, token.run_sync_soon)
    writer.start()
    for failure in (name, None):
        news = trio.Event()
        disk.failure = failure
        writer.submit(Transaction(writes=[alias("#a")]))
        await news.wait()
    await trio.to_thread.run_sync(writer.stop)
    return errors


@pytest.mark.parametrize("name", ["SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC"])
async def test_failed_fsync_breaks_store_for_good(tmp_path, name):
    errors = await reports_of_failing_disk(tmp_path, name)
    assert [type(error) for error in errors] == [StoreBrokenError] * 2


@pytest.mark.parametrize("name", ["SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_BUSY"])
async def test_failed_write_may_be_tried_again(tmp_path, name):
    first, second = await reports_of_failing_disk(tmp_path, name)
    assert isinstance(first, sqlite3.OperationalError)
    assert second is None
