"""Where everything is kept."""

from __future__ import annotations

from collections.abc import (
    Sequence,
)
from typing import Protocol

from attrs import frozen

from chatproto.decisions import Find, Row
from chatproto.ids import DeviceId, UserId
from chatproto.ports.rooms import RoomReads
from chatproto.ports.users import KeyReads, StreamReads, UserReads
from chatproto.ports.writes import (
    OnCommit,
    Transaction,
)


@frozen
class Migration:
    """A numbered step of a schema: SQL statements, run once and in one transaction."""

    number: int
    name: str
    sql: tuple[str, ...]


class Store(RoomReads, UserReads, StreamReads, KeyReads, Protocol):
    """Where everything is kept.

    `submit` never blocks: transactions become durable in the order of submission,
    and `on_commit` is called on the event loop with each batch that has, in order,
    or with the error if it could not be (then nothing of it, and nothing submitted
    after it and before the call, has been stored). Reads see what is committed.
    `until` bounds a read to what was stored up to that pos.
    """

    async def open(self, on_commit: OnCommit) -> None: ...
    async def aclose(self) -> None: ...
    def submit(self, transaction: Transaction) -> None: ...
    @property
    def pending(self) -> int: ...

    async def migrate(self, owner: str, migrations: Sequence[Migration]) -> None:
        """Run what has not been run yet of a module's migrations."""
        ...

    async def last_pos(self) -> int: ...
    async def find(self, find: Find) -> Sequence[Row]: ...
    async def txn_reply(
        self,
        user_id: UserId,
        device_id: DeviceId,
        operation: str,
        txn_id: str,
    ) -> bytes | None: ...
