"""No read of the message path looks at all of a table that grows."""

from __future__ import annotations

import inspect
import re

import pytest

from chatproto.storage import relation_reads, room_reads, search_reads, stream_reads
from chatproto.storage.sqlite import SqliteStore
from tests.unit.storage.harness import ROOM, message, new_room, opened

GROWING = re.compile(
    r"SCAN (e|r|v|n|events|receipts|memberships|account_data|to_device|txns|mentions)\b"
)
STATEMENTS = {
    name: sql
    for module in (relation_reads, room_reads, search_reads, stream_reads)
    for name, sql in inspect.getmembers(module)
    if isinstance(sql, str) and sql.lstrip().startswith(("select ", "with "))
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_statement_uses_an_index(tmp_path, name):
    async with opened(SqliteStore(tmp_path / "chat.db")) as at:
        await at.write(*new_room())
        await at.write(*(message(n, n) for n in range(3, 50)))
        plan = explain(at, STATEMENTS[name])
    assert [line for line in plan if GROWING.match(line)] == []


def explain(at, sql):
    numbered = [int(number) for number in re.findall(r"\?(\d+)", sql)]
    count = max(numbered, default=sql.count("?"))
    rows = at.store._db.execute(f"explain query plan {sql}", [ROOM] * count).fetchall()
    return [row[3] for row in rows]


def test_scan_would_be_noticed():
    assert GROWING.match("SCAN events")
    assert not GROWING.match("SEARCH events USING INDEX events_seq (room_id=?)")
