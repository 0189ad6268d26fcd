from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from chatproto_polls import MODULE
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from chatproto.operations.codec import unstructure
from chatproto.operations.table import OPERATIONS
from chatproto.wire import frames
from chatproto.wire.schema import asyncapi
from tests.unit.operations.requests import values

TABLE = OPERATIONS.with_operations(MODULE.operations)
DOCUMENT = asyncapi(TABLE, version="1.2.3")
SPOKEN = [op for op in TABLE if not op.by_hand]
ALL = pytest.mark.parametrize("operation", SPOKEN, ids=lambda op: op.name)
# The AsyncAPI Initiative's schema of documents, version 3.0.0 (Apache-2.0), without
# its descriptions.
OFFICIAL = Path(__file__).parents[3] / "data" / "asyncapi-3.0.0.json"


def errors(message, frame):
    payload = DOCUMENT["components"]["messages"][message]["payload"]
    whole = {**payload, "components": DOCUMENT["components"]}
    return [e.message for e in Draft202012Validator(whole).iter_errors(frame)]


def test_document_is_valid():
    official = json.loads(OFFICIAL.read_text())
    assert [e.message for e in Draft7Validator(official).iter_errors(DOCUMENT)] == []


def test_every_reference_leads_somewhere():
    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                target = DOCUMENT
                for part in node["$ref"].removeprefix("#/").split("/"):
                    target = target[part]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(DOCUMENT)


@ALL
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_call_fits_its_description(operation, data):
    request = data.draw(values(operation.request))
    frame = frames.CallFrame(7, operation.name, unstructure(request))
    assert errors(f"{operation.name}.call", json.loads(frames.encode(frame))) == []
    assert errors(f"{operation.name}.call", {"id": "7", "do": operation.name}) != []
    reply = DOCUMENT["operations"][operation.name]["reply"]["messages"]
    assert [m["$ref"].rpartition("/")[2] for m in reply] == [
        f"{operation.name}.reply",
        "error",
    ]


FRAMES = [
    ("hello", frames.Hello(token="t", since="s1_2_ab", wants=("events",), limit=5)),
    (
        "welcome",
        frames.Welcome(
            user_id="@a:x",
            device_id="D",
            session="s",
            heartbeat_ms=1,
            max_frame=2,
            window=3,
            server_time=4,
            server="x",
        ),
    ),
    ("ack", frames.Ack("s1_2_ab")),
    ("ping", frames.Ping(1)),
    ("pong", frames.Pong(1)),
    ("position", frames.Push("s1_2_ab")),
    ("push", frames.Push(None, ({"typing": {"room_id": "!r:x", "user_ids": []}},))),
    ("resync", frames.Resync("too old")),
    ("goodbye", frames.Goodbye("the end", "resume", 5)),
    ("error", frames.Reply(1, err={"errcode": "M_FORBIDDEN", "error": "no"})),
]


def test_every_kind_of_frame_is_described():
    shown = {type(frame) for _, frame in FRAMES} | {frames.CallFrame}
    assert shown == set(get_args(frames.Frame))
    of_calls = {f"{op.name}.{part}" for op in SPOKEN for part in ("call", "reply")}
    described = set(DOCUMENT["components"]["messages"])
    assert described - of_calls == {name for name, _ in FRAMES}
    assert described >= of_calls


@pytest.mark.parametrize(
    "operation", [op for op in TABLE if op.by_hand], ids=lambda op: op.name
)
def test_files_do_not_travel_on_the_socket(operation):
    assert operation.name not in DOCUMENT["operations"]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("http://127.0.0.1:8008", {"host": "127.0.0.1:8008", "protocol": "ws"}),
        ("https://chat.example.org/", {"host": "chat.example.org", "protocol": "wss"}),
        (
            "https://example.org/chat/",
            {"host": "example.org", "protocol": "wss", "pathname": "/chat"},
        ),
    ],
    ids=["plain", "secure", "with a path"],
)
def test_server_is_at_the_given_address(url, server):
    document = asyncapi(TABLE, version="1", url=url)
    assert document["servers"] == {"chat": server}


@pytest.mark.parametrize(("message", "frame"), FRAMES, ids=[name for name, _ in FRAMES])
def test_every_frame_fits_its_description(message, frame):
    assert errors(message, json.loads(frames.encode(frame))) == []
    assert errors(message, {}) != []
