"""Every endpoint of the specification is there, or left out for a reason."""

from __future__ import annotations

import pytest

from chatproto.server.handlers.discovery import VERSIONS
from scripts.reference import matrix_api
from tests.conformance import coverage


def number(version: str) -> int:
    return int(version.partition(".")[2] or 0)


CLAIMED = [e for e in matrix_api.endpoints() if number(e.since) <= number(VERSIONS[-1])]


def test_table_lists_the_specification():
    coverage.agreed(coverage.specified())


def test_versions_are_without_a_gap():
    assert tuple(f"v1.{n}" for n in range(1, number(VERSIONS[-1]) + 1)) == VERSIONS


@pytest.mark.parametrize("endpoint", CLAIMED, ids=lambda e: f"{e.verb} {e.path}")
def test_endpoint_of_a_claimed_version_is_there_or_left_out(endpoint):
    there = endpoint.key in matrix_api.implemented()
    assert there != bool(endpoint.left_out), endpoint.left_out or "not implemented"


def test_what_is_not_there_is_walked_by_nobody():
    ours = matrix_api.implemented()
    walked = {e.key for e in matrix_api.endpoints() if e.covered_by}
    assert walked <= ours.keys()


def test_every_reason_is_told_in_words():
    reasons = {e.left_out for e in matrix_api.endpoints() if e.left_out}
    assert all(len(reason.split()) >= 2 for reason in reasons)
