"""What is asked of reports."""

from __future__ import annotations

from collections.abc import Sequence

from chatproto.decisions import Row
from chatproto.storage import rows
from chatproto.storage.reads import Reads


class ReportReads(Reads):
    """Reports, in the order in which they came."""

    async def reports(self, *, after: int, limit: int) -> Sequence[Row]:
        kinds = rows.column_kinds(self._db, "reports")
        sql = "select * from reports where report_id>? order by report_id limit ?"
        return [rows.named_row(kinds, row) for row in self._all(sql, after, limit)]
