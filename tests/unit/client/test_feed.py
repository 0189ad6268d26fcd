from __future__ import annotations

import pytest
import trio

from chatproto.client.feed import KEPT, Feed


async def test_every_follower_is_told_everything():
    feed: Feed[int] = Feed()
    feed.tell(0)
    first, second = feed.follow(), feed.follow()
    for number in (1, 2):
        feed.tell(number)
    feed.close()
    assert [n async for n in first] == [1, 2]
    assert [n async for n in second] == [1, 2]


async def test_follower_too_far_behind_is_cut_off():
    feed: Feed[int] = Feed()
    slow, quick = feed.follow(), feed.follow()
    for number in range(KEPT + 2):
        feed.tell(number)
        assert await quick.receive() == number
    assert len([n async for n in slow]) == KEPT
    assert feed.is_followed


async def test_closed_follower_is_forgotten():
    feed: Feed[int] = Feed()
    feed.follow().close()
    feed.tell(1)
    assert not feed.is_followed


async def test_feed_that_ends_ends_followers():
    feed: Feed[int] = Feed()
    follower = feed.follow()
    feed.close()
    with pytest.raises(trio.EndOfChannel):
        await follower.receive()
