from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field

from chatproto.client.link import Guest, Link, NotSent
from chatproto.client.reconnect import Backoff, Reconnect
from chatproto.client.tokens import Credentials, Tokens
from chatproto.client.transport import Disconnected
from chatproto.errors import MatrixError, RemoteError
from chatproto.operations.accounts import Refreshed
from chatproto.wire.frames import Ping

WELCOME = {
    "user_id": "@me:x",
    "device_id": "D",
    "session": "s",
    "heartbeat_ms": 30_000,
    "max_frame": 131_072,
    "window": 1_048_576,
    "server_time": 1,
    "server": "x",
}


@define(eq=False)
class Script:
    """A server that says what it is told, on each connection the next part.

    A part is a list of messages, pauses in seconds and a last Disconnected; one that
    does not end keeps the connection open.
    """

    parts: list
    opened_at: list = field(factory=list)
    heard: list = field(factory=list)

    @asynccontextmanager
    async def socket(self):
        await trio.lowlevel.checkpoint()
        self.opened_at.append(trio.current_time())
        yield _Wire(self, iter(self.parts.pop(0) if self.parts else ()))


@define(eq=False)
class _Wire:
    script: Script
    part: object

    async def send(self, message):
        await trio.lowlevel.checkpoint()
        self.script.heard.append((trio.current_time(), json.loads(message)))

    async def receive(self):
        await trio.lowlevel.checkpoint()
        for step in self.part:
            if isinstance(step, Disconnected):
                raise step
            if isinstance(step, dict):
                return json.dumps(step).encode()
            await trio.sleep(step)
        return await trio.sleep_forever()


@define(eq=False)
class Host:
    """Whom the link serves in these tests."""

    position: str | None = None
    taken: list = field(factory=list)
    worked: int = 0
    lost: int = 0

    async def work(self):
        self.worked += 1
        await trio.sleep_forever()

    def lose(self):
        self.lost += 1

    def guest(self):
        return Guest(
            position=lambda: self.position,
            take=self.taken.append,
            work=self.work,
            settled=trio.lowlevel.checkpoint,
            lost=self.lose,
        )


def linked(*parts, host=None, credentials=None):
    script, host = Script(list(parts)), host or Host()
    known = credentials or Credentials(Tokens(access="a0"), _no_exchange)
    reconnect = Reconnect(Backoff(lambda: 1.0, base_s=1, cap_s=30))
    return script, host, Link(host.guest(), script, known, reconnect)


async def _no_exchange(_token):
    raise AssertionError("there is nothing to exchange")


async def run_for(link, seconds):
    with trio.move_on_after(seconds):
        await link.run()


LOST = Disconnected(1006, "lost")


async def test_attempts_back_off_until_welcomed(autojump_clock):
    no_welcome = [[LOST]] * 4
    script, host, link = linked(*no_welcome, [{"welcome": WELCOME}, LOST], [LOST])
    await run_for(link, 40)
    waits = [
        b - a for a, b in zip(script.opened_at, script.opened_at[1:], strict=False)
    ]
    assert waits[:6] == [2, 4, 8, 16, 2, 4]
    assert host.worked == 1


async def test_each_connection_says_where_it_was(autojump_clock):
    script, host, link = linked([{"welcome": WELCOME}, 1, LOST])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_for, link, 10)
        await trio.sleep(0.5)
        host.position = "s5"
    hellos = [frame["hello"] for _, frame in script.heard if "hello" in frame]
    assert hellos == [{"token": "a0"}, {"token": "a0", "since": "s5"}]


async def test_frames_are_handed_over(autojump_clock):
    _, host, link = linked(
        [{"welcome": WELCOME}, {"push": [], "at": "s1"}, {"re": 1, "ok": {}}]
    )
    await run_for(link, 1)
    assert [type(frame).__name__ for frame in host.taken] == ["Push", "Reply"]


async def test_ping_is_answered(autojump_clock):
    script, _, link = linked([{"welcome": WELCOME}, {"ping": 7}])
    await run_for(link, 1)
    assert {"pong": 7} in [frame for _, frame in script.heard]


async def test_heartbeat_and_acknowledgement_go_out(autojump_clock):
    host = Host(position="s9")
    script, _, link = linked([{"welcome": WELCOME}], host=host)
    await run_for(link, 65)
    sent = [(at, frame) for at, frame in script.heard if "hello" not in frame]
    assert sent == [
        (20, {"ack": "s9"}),
        (20, {"ping": 1}),
        (40, {"ping": 2}),
        (60, {"ping": 3}),
    ]


async def test_silent_server_is_given_up(autojump_clock):
    script, host, link = linked([{"welcome": WELCOME}], [{"welcome": WELCOME}])
    await run_for(link, 80)
    assert script.opened_at == [0, 77]  # 2.5 heartbeats, and the pause
    assert (host.worked, host.lost) == (2, 2)


async def test_server_that_does_not_welcome_is_given_up(autojump_clock):
    script, host, link = linked([], [])
    await run_for(link, 80)
    assert len(script.opened_at) == 2
    assert host.worked == 0


async def test_goodbye_lets_what_is_left_arrive(autojump_clock):
    bye = {"goodbye": {"reason": "stop", "then": "resume"}}
    script, host, link = linked(
        [{"welcome": WELCOME}, 1, bye, 1, {"re": 1, "ok": {}}, Disconnected(1012, "")]
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_for, link, 2.5)
        await trio.sleep(1.5)
        assert not link.is_open
        with pytest.raises(NotSent):
            await link.send(Ping(1))
    assert [type(frame).__name__ for frame in host.taken] == ["Reply"]
    assert script.opened_at == [0]


async def test_goodbye_without_end_is_ended(autojump_clock):
    bye = {"goodbye": {"reason": "stop", "then": "resume"}}
    script, _, link = linked([{"welcome": WELCOME}, bye])
    await run_for(link, 7)
    assert script.opened_at == [0, 6]  # five seconds, and the pause


async def test_garbage_ends_link(autojump_clock):
    _, _, link = linked([{"welcome": WELCOME}, {"welcome": WELCOME}])
    with pytest.raises(RemoteError, match="sends no Welcome while"):
        await link.run()
    with pytest.raises(RemoteError):
        await link.wait_open()


async def test_refused_token_ends_link_with_reason(autojump_clock):
    bye = {"goodbye": {"reason": "logged out", "then": "login"}}
    _, _, link = linked([bye, Disconnected(4401, "")])
    with pytest.raises(MatrixError, match="M_UNKNOWN_TOKEN: logged out"):
        await link.run()


async def test_waiting_is_ended_with_link(autojump_clock):
    _, _, link = linked([Disconnected(4400, "you are broken")])
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait():
            with pytest.raises(Disconnected, match="you are broken"):
                await link.wait_open()

        with pytest.raises(Disconnected):
            await link.run()


async def test_new_token_that_is_refused_too_ends_link(autojump_clock):
    given = []

    async def exchange(token):
        given.append(token)
        return Refreshed(access_token=f"a{len(given)}", refresh_token="r1")

    credentials = Credentials(Tokens(access="a0", refresh="r0"), exchange)
    refused = Disconnected(4401, "unknown")
    script, _, link = linked([refused], [refused], credentials=credentials)
    with pytest.raises(MatrixError, match="M_UNKNOWN_TOKEN"):
        await link.run()
    assert [frame["hello"]["token"] for _, frame in script.heard] == ["a0", "a1"]


async def test_token_that_cannot_be_replaced_now_is_tried_again(autojump_clock):
    given = []

    async def exchange(token):
        given.append(trio.current_time())
        if len(given) < 3:
            raise Disconnected(None, "no network")
        return Refreshed(access_token="a1", refresh_token="r1")

    credentials = Credentials(Tokens(access="a0", refresh="r0"), exchange)
    refused = [[Disconnected(4401, "unknown")]] * 3
    script, _, link = linked(*refused, [{"welcome": WELCOME}], credentials=credentials)
    await run_for(link, 20)
    assert given == [0, 2, 6]
    assert script.heard[3][1]["hello"]["token"] == "a1"
