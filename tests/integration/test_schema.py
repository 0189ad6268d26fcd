from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-c", "from reference_server.cli import main; main()"]


def schema(*words):
    return subprocess.run(
        [*PROGRAM, "schema", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("kind", ["openapi", "asyncapi"])
def test_document_is_printed(kind):
    document = json.loads(schema(kind).stdout)
    assert document[kind].startswith("3.")
    assert document["info"]["title"] == "chatproto"


def test_address_is_that_of_the_settings():
    listen, public = "--listen=127.0.0.1:8123", "--base-url=https://chat.example.org"
    document = json.loads(schema("openapi", listen).stdout)
    assert document["servers"] == [{"url": "http://127.0.0.1:8123"}]
    document = json.loads(schema("asyncapi", listen, public).stdout)
    assert document["servers"] == {
        "chat": {"host": "chat.example.org", "protocol": "wss"}
    }


def test_modules_are_part_of_the_document():
    document = json.loads(schema("openapi", "--modules=org.example.polls").stdout)
    tags = {
        op["tags"][0] for path in document["paths"].values() for op in path.values()
    }
    assert {"room", "org.example.polls"} <= tags


def test_unknown_module_is_told():
    told = schema("openapi", "--modules=org.example.none")
    assert told.returncode == 1
    assert "not installed; there are: org.example.polls" in told.stderr
