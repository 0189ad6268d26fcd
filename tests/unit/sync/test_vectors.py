from __future__ import annotations

import pytest

from chatproto.canonical import JsonObject
from chatproto.sync import vectors

ALL = vectors.load()


@pytest.mark.parametrize("vector", ALL, ids=[v["name"] for v in ALL])
def test_vector_holds(vector: JsonObject) -> None:
    assert vectors.run(vector) == []


def test_shipped_vectors_are_found() -> None:
    assert len({v["name"] for v in ALL}) == len(ALL) >= 15


def test_wrong_expectation_is_reported() -> None:
    steps = [{"expect": {"list": ["!r:x"], "drafts": {}}}, {"changes": ["unread"]}]
    vector = {"name": "wrong", "user_id": "@me:x", "steps": steps}
    assert vectors.run(vector) == [
        'step 1: /list is [], not ["!r:x"]',
        'step 2: changes is [], not ["unread"]',
    ]
