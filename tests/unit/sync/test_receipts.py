from __future__ import annotations

from typing import Any

import pytest

from chatproto.sync.receipts import Receipt, Receipts


def receipt(user: str, seq: int, **more: Any) -> Receipt:
    fields = {"type": "m.read", "thread_id": "", "ts": seq, **more}
    return Receipt(user_id=user, event_id=f"${seq}", seq=seq, **fields)


@pytest.mark.parametrize(
    ("seq", "moves"), [(6, True), (5, False), (4, False)], ids=["on", "same", "back"]
)
def test_receipts_only_move_forward(seq: int, moves: bool) -> None:
    receipts = Receipts()
    receipts.apply(receipt("@a:x", 5))
    assert receipts.apply(receipt("@a:x", seq)) is moves
    latest = receipts.latest("@a:x")
    assert latest is not None
    assert latest.seq == max(5, seq)


def test_threads_do_not_move_the_room() -> None:
    receipts = Receipts()
    receipts.apply(receipt("@a:x", 3, thread_id="main"))
    receipts.apply(receipt("@a:x", 4, type="m.read.private"))
    receipts.apply(receipt("@a:x", 9, thread_id="$root"))
    assert receipts.latest("@a:x") == receipt("@a:x", 4, type="m.read.private")
    in_thread = receipts.in_thread("@a:x", "$root")
    assert in_thread == receipt("@a:x", 9, thread_id="$root")
    assert receipts.latest("@b:x") is None


def test_readers_are_those_at_or_past_it() -> None:
    receipts = Receipts()
    for user, seq in (("@c:x", 6), ("@a:x", 5), ("@b:x", 4)):
        receipts.apply(receipt(user, seq))
    assert receipts.readers(5) == ("@a:x", "@c:x")
