from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chatproto.operations.table import OPERATIONS
from chatproto.wire.ws import TRANSITIONS
from reference_server.config import options

PAGES = ("README.md",)
EXAMPLES = [
    pytest.param(code, id=f"{page}-{number}")
    for page in PAGES
    for number, code in enumerate(
        re.findall(r"```python\n(.*?)```", Path(page).read_text(), re.DOTALL),
    )
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_example_runs(code, tmp_path):
    """One that needs a server is only loaded, with what would start it left out."""
    script = tmp_path / "example.py"
    script.write_text(code.replace("bot.run()", ""))
    settings = {"CHATPROTO_URL": "http://127.0.0.1:1", "CHATPROTO_TOKEN": "none"}
    subprocess.run(
        [sys.executable, script],
        check=True,
        timeout=60,
        cwd=tmp_path,
        env=os.environ | settings,
    )


def test_socket_page_names_every_frame():
    page = Path("docs/protocol/socket.md").read_text().lower()
    for _, _, frame in TRANSITIONS:
        name = frame.__name__.lower().removesuffix("frame")
        assert name in page, name


@pytest.mark.parametrize("operation", list(OPERATIONS), ids=lambda op: op.name)
def test_operation_is_described(operation):
    assert len(operation.doc.split()) > 2
    assert operation.doc.endswith((".", ")", "}"))


@pytest.mark.parametrize("option", options(), ids=lambda option: option.name)
def test_setting_is_described(option):
    assert option.metadata["help"]
