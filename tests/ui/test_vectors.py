from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path

import pytest

from chatproto.sync import vectors
from scripts.npm import NODE

PROGRAM = Path(__file__).parent / "javascript" / "run_vectors.mjs"
FOLDER = Path(vectors.__file__).parent
NAMES = [vector["name"] for vector in vectors.load()]


@cache
def played() -> dict[str, list[str]]:
    said = subprocess.run(
        [NODE, PROGRAM, FOLDER], stdout=subprocess.PIPE, check=True, text=True
    )
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    return {line["name"]: line["wrong"] for line in lines}


@pytest.mark.parametrize("name", NAMES)
def test_vector_holds_in_javascript(name):
    assert played()[name] == []


def test_no_vector_is_left_out():
    assert sorted(played()) == sorted(NAMES)
