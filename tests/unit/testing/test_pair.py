from __future__ import annotations

import pytest

from chatproto.errors import LocalError, RemoteError
from chatproto.testing import ConnectionPair, Faults
from chatproto.testing.line import NO_FAULTS
from chatproto.wire.frames import CallFrame, Hello, Ping, Push, Reply, Welcome

WELCOME = Welcome(
    user_id="@anna:x",
    device_id="D",
    session="s",
    heartbeat_ms=30_000,
    max_frame=131_072,
    window=1_048_576,
    server_time=1,
    server="x",
)


def opened(faults: Faults = NO_FAULTS, seed: int = 0) -> ConnectionPair:
    pair = ConnectionPair(faults, seed=seed)
    pair.client.send(Hello(token="t"))
    pair.advance_ms(60_000)
    pair.server.take()
    pair.server.send(WELCOME)
    pair.advance_ms(60_000)
    pair.client.take()
    return pair


def test_frames_travel_both_ways():
    pair = opened()
    call = CallFrame(1, "room.send", {"content": {"body": "Привет"}})
    pair.client.send(call)
    assert pair.server.take() == [call]
    pair.server.send(Reply(1, {"event_id": "$e"}))
    pair.server.send(Push("s1", ({"event": {}},)))
    assert pair.client.take() == [
        Reply(1, {"event_id": "$e"}),
        Push("s1", ({"event": {}},)),
    ]
    assert pair.client.take() == []


def test_illegal_frame_is_refused_at_home():
    with pytest.raises(LocalError, match="sends no CallFrame while"):
        ConnectionPair().client.send(CallFrame(1, "room.send", {}))


def test_illegal_frame_is_refused_on_arrival():
    pair = ConnectionPair()
    pair.client.send(Hello(token="t"))
    pair.server.take()
    pair.client.machine = opened().client.machine  # a client that does not wait
    pair.client.send(Ping(1))
    with pytest.raises(RemoteError, match="sends no Ping while"):
        pair.server.take()


@pytest.mark.parametrize("seed", range(5))
def test_split_frames_are_put_together(seed):
    pair = opened(Faults(split=3), seed)
    pushes = [Push(f"s{n}", ({"event": {"body": "ж" * n}},)) for n in range(40)]
    for push in pushes:
        pair.server.send(push)
    assert pair.client.take() == pushes


def test_delayed_frames_keep_their_order():
    pair = opened(Faults(delay_ms=1000))
    for number in range(20):
        pair.client.send(Ping(number))
    first = pair.server.take()
    pair.advance_ms(1000)
    later = pair.server.take()
    assert len(first) < 20
    assert [*first, *later] == [Ping(number) for number in range(20)]


def test_lost_piece_breaks_connection():
    pair = opened(Faults(split=4))
    pair.client.send(Ping(1))
    pair.break_off()
    assert pair.server.take() == []
    with pytest.raises(LocalError, match="broken"):
        pair.client.send(Ping(2))


def test_drops_strike_by_chance():
    broken = []
    for seed in range(20):
        pair = ConnectionPair(Faults(drop=0.5), seed=seed)
        pair.client.send(Hello(token="t"))
        broken.append(pair.is_broken)
        assert pair.server.take() == ([] if pair.is_broken else [Hello(token="t")])
    assert 0 < sum(broken) < 20
