from __future__ import annotations

import pytest
import trio
from attrs import define, field

from chatproto.client.tokens import Credentials, Tokens, has_expired
from chatproto.client.transport import Disconnected
from chatproto.errors import MatrixError
from chatproto.operations.accounts import Refreshed
from chatproto.testing import FrozenClock

HOUR_MS = 3_600_000


@define(eq=False)
class Server:
    """Gives new tokens for the newest refresh token."""

    clock: FrozenClock = field(factory=FrozenClock)
    given: int = 0
    delay_s: float = 0.0

    async def exchange(self, refresh_token):
        await trio.sleep(self.delay_s)
        if refresh_token != f"r{self.given}":
            raise MatrixError("M_UNKNOWN_TOKEN", "the refresh token is not known")
        self.given += 1
        return Refreshed(
            access_token=f"a{self.given}",
            refresh_token=f"r{self.given}",
            expires_in_ms=HOUR_MS,
        )

    def credentials(self, tokens=None, store=None):
        first = Tokens(
            access="a0", refresh="r0", expires_ms=self.clock.now_ms() + HOUR_MS
        )
        return Credentials(
            tokens or first, self.exchange, store=store, now_ms=self.clock.now_ms
        )


@define(eq=False)
class Store:
    tokens: Tokens | None = None

    def load(self):
        return self.tokens

    def save(self, tokens):
        self.tokens = tokens


async def test_tokens_are_renewed_once_for_all(autojump_clock):
    server = Server(delay_s=1)
    credentials = server.credentials()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(credentials.renew, "a0")
    assert (server.given, credentials.tokens.access) == (1, "a1")


async def test_new_pair_is_stored():
    server, store = Server(), Store()
    await server.credentials(store=store).renew("a0")
    assert store.tokens == Tokens(
        access="a1", refresh="r1", expires_ms=server.clock.now_ms() + HOUR_MS
    )


async def test_tokens_of_another_program_are_taken_over():
    server, store = Server(), Store()
    first, second = server.credentials(store=store), server.credentials(store=store)
    await first.renew("a0")
    await second.renew("a0")
    assert (server.given, second.tokens.access) == (1, "a1")


async def test_program_that_was_slower_takes_over(autojump_clock):
    server, store = Server(delay_s=1), Store()
    first, second = server.credentials(store=store), server.credentials(store=store)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.renew, "a0")
        await trio.sleep(0.5)
        nursery.start_soon(second.renew, "a0")
    assert (server.given, second.tokens.access) == (1, "a1")


async def test_refused_refresh_is_not_tried_again():
    server = Server(given=5)
    credentials = server.credentials()
    with pytest.raises(MatrixError, match="refresh token is not known"):
        await credentials.renew("a0")
    assert not credentials.can_renew
    with pytest.raises(MatrixError, match="access token is not good"):
        await credentials.renew("a0")


async def test_exchange_is_not_cut_by_the_end(autojump_clock):
    server = Server(delay_s=2)
    credentials = server.credentials()
    with trio.move_on_after(1):
        await credentials.renew("a0")
    assert credentials.tokens.access == "a1"


async def test_exchange_that_takes_for_ever_is_given_up(autojump_clock):
    credentials = Server(delay_s=1000).credentials()
    with pytest.raises(Disconnected, match="no new tokens in time"):
        await credentials.renew("a0")
    assert credentials.can_renew


def test_answer_without_refresh_token_keeps_the_old_one():
    async def exchange(_token):
        return Refreshed(access_token="new", expires_in_ms=None)

    credentials = Credentials(Tokens(access="old", refresh="r"), exchange)
    trio.run(credentials.renew, "old")
    assert credentials.tokens == Tokens(access="new", refresh="r")


DUE = {
    "an_hour": (HOUR_MS, "r0", 3540.0),
    "ten_seconds": (10_000, "r0", 8.0),
    "over": (-1, "r0", 0.0),
    "no_refresh": (HOUR_MS, None, None),
    "no_end": (None, "r0", None),
}


@pytest.mark.parametrize(("life_ms", "refresh", "due_s"), DUE.values(), ids=DUE)
def test_tokens_are_due_before_they_end(life_ms, refresh, due_s):
    server = Server()
    ends = None if life_ms is None else server.clock.now_ms() + life_ms
    tokens = Tokens(access="a0", refresh=refresh, expires_ms=ends)
    assert server.credentials(tokens).due_in_s() == due_s


def test_tokens_do_not_show():
    assert "secret" not in repr(Tokens(access="secret", refresh="secret"))


EXPIRED = {
    "expired": ("M_UNKNOWN_TOKEN", {"soft_logout": True}, True),
    "logged_out": ("M_UNKNOWN_TOKEN", {}, False),
    "locked": ("M_USER_LOCKED", {"soft_logout": True}, False),
}


@pytest.mark.parametrize(("code", "extra", "expired"), EXPIRED.values(), ids=EXPIRED)
def test_only_soft_logout_means_expired(code, extra, expired):
    assert has_expired(MatrixError(code, "", extra=extra)) is expired
