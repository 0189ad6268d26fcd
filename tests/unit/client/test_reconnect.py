from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.client.reconnect import Backoff, Reconnect
from chatproto.testing import SeededRandom

LONGEST = Backoff(lambda: 1.0, base_s=1, cap_s=30)


def test_wait_doubles_up_to_cap():
    assert [LONGEST.wait_s(n) for n in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]


@given(st.integers(0, 10_000), st.integers(0, 1000))
def test_wait_is_random_part_of_longest(failures, seed):
    backoff = Backoff(SeededRandom(seed).number, base_s=1, cap_s=30)
    assert 0 <= backoff.wait_s(failures) <= LONGEST.wait_s(failures)


def test_crowd_is_spread():
    waits = {Backoff(SeededRandom(seed).number).wait_s(5) for seed in range(50)}
    assert len(waits) == 50


GIVEN_UP = {
    "login_asked": (None, "login"),
    "token_refused": (4401, None),
    "protocol_broken": (4400, None),
    "framing_broken": (1002, None),
    "too_big": (1009, None),
    "replaced": (4409, None),
}


@pytest.mark.parametrize(("code", "then"), GIVEN_UP.values(), ids=GIVEN_UP)
def test_some_ends_are_for_good(code, then):
    assert Reconnect(LONGEST).after(code, then) is None


RESUMED = {
    "normal": (1000, None),
    "going_away": (1001, None),
    "restart": (1012, None),
    "asked": (None, "resume"),
}


@pytest.mark.parametrize(("code", "then"), RESUMED.values(), ids=RESUMED)
def test_planned_end_costs_no_more_than_base(code, then):
    reconnect = Reconnect(LONGEST)
    assert reconnect.after(code, then) == 1
    assert reconnect.after(code, then) == 4  # it does not come back: back off after all


@pytest.mark.parametrize("code", [None, 1006, 1008, 1011, 4408, 4429])
def test_failures_back_off(code):
    reconnect = Reconnect(LONGEST)
    assert [reconnect.after(code, None) for _ in range(3)] == [2, 4, 8]
    reconnect.succeeded()
    assert reconnect.after(code, None) == 2
