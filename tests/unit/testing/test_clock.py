from __future__ import annotations

import trio

from chatproto.testing import FrozenClock, SeededRandom, TrioClock


def test_frozen_clock_moves_when_told():
    clock = FrozenClock()
    before = clock.now_ms(), clock.monotonic()
    assert (clock.now_ms(), clock.monotonic()) == before
    clock.advance_ms(1500)
    assert clock.now_ms() - before[0] == 1500
    assert clock.monotonic() - before[1] == 1.5


async def test_trio_clock_follows_trio(autojump_clock):
    clock = TrioClock()
    before = clock.now_ms()
    await trio.sleep(86_400)
    assert clock.now_ms() - before == 86_400_000


def test_chance_falls_the_same_way_again():
    first, second, other = SeededRandom(1), SeededRandom(1), SeededRandom(2)
    fallen = [first.number(), first.bytes(8)]
    assert [second.number(), second.bytes(8)] == fallen
    assert [other.number(), other.bytes(8)] != fallen
