from __future__ import annotations

import pytest

from chatproto.ports import StoreTxn
from chatproto.storage.old_txns import EVERY, KEPT_MS, LOOKED_AT

DAY_MS = 24 * 3_600_000
NOW = 100 * DAY_MS


def txn(number, ts):
    return StoreTxn(
        user_id="@ann:x",
        device_id="D",
        operation="room.send !r:x",
        txn_id=f"t{number:05}",
        reply=b"{}",
        ts=ts,
    )


async def kept(at, number):
    key = ("@ann:x", "D", "room.send !r:x", f"t{number:05}")
    return await at.store.txn_reply(*key) is not None


async def commit(at, transactions):
    before = sum(len(batch) for batch, _ in at.reports)
    for writes in transactions:
        at.submit(writes)
    await at.reported(before + len(transactions))
    assert at.errors == []


@pytest.mark.parametrize("older", [0, 1, LOOKED_AT + 10], ids=str)
async def test_old_answers_are_forgotten_in_time(at, older):
    old = [txn(number, NOW - KEPT_MS - 1) for number in range(older)]
    young = txn(90_000, NOW - KEPT_MS + DAY_MS)
    await commit(at, [*old, young])
    rounds = 2 + (older // LOOKED_AT)
    for turn in range(rounds):
        first = 91_000 + turn * EVERY
        await commit(at, [txn(first + n, NOW) for n in range(EVERY)])
    assert not any([await kept(at, number) for number in range(older)])
    assert await kept(at, 90_000)
    assert await kept(at, 91_000)


async def test_few_transactions_pay_nothing(at):
    await commit(at, [txn(0, NOW - 2 * KEPT_MS), txn(1, NOW)])
    assert await kept(at, 0)
