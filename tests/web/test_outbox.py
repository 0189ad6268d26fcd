from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from reference_server.web.limits import FrameBucket, SocketLimits
from reference_server.web.outbox import Outbox

LIMITS = SocketLimits(outbox_bytes=1000, outbox_seconds=10)


class Pair:
    """An outbox on a connection with small buffers, and its reader."""

    def __init__(self, nursery: trio.Nursery) -> None:
        ours, self.theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        ours.setblocking(False)
        self.now = 0.0
        self.ours = trio.socket.from_stdlib_socket(ours)
        self.box = Outbox(self.ours, nursery, LIMITS, lambda: self.now)

    def stuff(self) -> bytes:
        """Send until the kernel takes no more; what was sent."""
        sent = b""
        while not self.box.pending_bytes:
            piece = bytes([len(sent) % 251]) * 3000
            assert self.box.push(piece)
            sent += piece
        return sent

    async def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += await trio.to_thread.run_sync(self.theirs.recv, size - len(data))
        return data


@pytest.fixture
def pair(nursery: trio.Nursery) -> Iterator[Pair]:
    pair = Pair(nursery)
    yield pair
    pair.ours.close()
    pair.theirs.close()


async def test_push_goes_out_at_once(pair: Pair) -> None:
    assert pair.box.push(b"one")
    assert pair.box.pending_bytes == 0
    assert pair.theirs.recv(100) == b"one"


async def test_queue_goes_out_together_on_flush(pair: Pair) -> None:
    assert pair.box.queue(b"one")
    assert pair.box.queue(b"two")
    pair.theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        pair.theirs.recv(100)
    assert pair.box.pending_bytes == 6
    assert pair.box.flush()
    assert pair.theirs.recv(100) == b"onetwo"


async def test_push_after_queue_keeps_order(pair: Pair) -> None:
    pair.box.queue(b"one")
    pair.box.push(b"two")
    pair.box.push_many([b"three", b"four"])
    assert pair.theirs.recv(100) == b"onetwothreefour"


async def test_backlog_written_in_order_when_read(pair: Pair) -> None:
    drained = []
    pair.box.on_drained = lambda: drained.append(True)
    sent = pair.stuff()
    while pair.box.push(b"x" * 100):
        sent += b"x" * 100
    assert await pair.read(len(sent)) == sent
    await pair.box.drained()
    assert drained == [True]
    assert pair.box.push(b"again")
    assert await pair.read(5) == b"again"


async def test_full_outbox_takes_no_more(pair: Pair) -> None:
    pair.stuff()
    while pair.box.push(b"x" * 10):
        assert pair.box.pending_bytes <= 4000
    assert not pair.box.push(b"x" * 10)
    assert not pair.box.queue(b"x" * 10)


async def test_late_backlog_takes_no_more(nursery: trio.Nursery) -> None:
    pair = Pair(nursery)
    pair.stuff()
    rest = pair.box.pending_bytes
    big = SocketLimits(outbox_bytes=1 << 20, outbox_seconds=10)
    pair.box._limits = big
    assert pair.box.push(b"x")
    pair.now = 10
    assert not pair.box.push(b"y")
    assert pair.box.pending_bytes == rest + 1
    pair.ours.close()
    pair.theirs.close()


async def test_large_message_taken_when_nothing_waits(pair: Pair) -> None:
    large = b"x" * 1_000_000
    assert pair.box.push(large)
    assert not pair.box.push(b"y")
    assert await pair.read(len(large)) == large


async def test_farewell_taken_by_full_outbox(pair: Pair) -> None:
    sent = pair.stuff()
    while pair.box.push(b"x" * 10):
        sent += b"x" * 10
    pair.box.push_last(b"bye")
    assert await pair.read(len(sent) + 3) == sent + b"bye"


async def test_gone_peer_breaks_outbox(pair: Pair) -> None:
    pair.theirs.close()
    assert not pair.box.push(b"x")
    assert pair.box.is_broken
    assert not pair.box.queue(b"x")
    await pair.box.drained()


async def test_closed_socket_ends_writer(pair: Pair) -> None:
    pair.stuff()
    await trio.testing.wait_all_tasks_blocked()
    pair.ours.close()
    await pair.box.drained()
    assert pair.box.is_broken
    assert pair.box.pending_bytes == 0


def test_bucket_refills_up_to_its_burst() -> None:
    limits = SocketLimits(frames_per_second=10, frame_burst=5)
    bucket = FrameBucket(limits, 0)
    assert bucket.take(5, 0)
    assert not bucket.take(1, 0)
    assert bucket.take(1, 0.2)
    assert bucket.take(5, 100)
    assert not bucket.take(1, 100)
