from __future__ import annotations

import pytest

from chatproto.errors import MatrixError
from chatproto.events.envelope import Pdu, client_event, stripped

JSON = {
    "auth_events": ["$a"],
    "content": {"body": "hello"},
    "depth": 3,
    "hashes": {"sha256": "x"},
    "origin_server_ts": 5,
    "prev_events": ["$b"],
    "room_id": "!r:b",
    "sender": "@ann:b",
    "signatures": {},
    "type": "m.room.message",
}


def pdu(**changes):
    return Pdu.from_json({**JSON, **changes}, "$event")


def test_event_is_read():
    event = pdu()
    assert (event.event_id, event.type, event.sender) == (
        "$event",
        "m.room.message",
        "@ann:b",
    )
    assert (event.prev_events, event.auth_events) == (("$b",), ("$a",))
    assert event.json == JSON
    assert not event.is_state
    assert event.redacts is None


def test_empty_state_key_makes_state():
    event = pdu(state_key="")
    assert event.is_state
    assert event.state_key == ""


@pytest.mark.parametrize("missing", sorted({*JSON} - {"hashes", "signatures"}))
def test_missing_field_is_refused(missing):
    with pytest.raises(MatrixError, match=missing):
        Pdu.from_json({k: v for k, v in JSON.items() if k != missing}, "$event")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": 5},
        {"sender": None},
        {"room_id": []},
        {"content": []},
        {"depth": "3"},
        {"depth": True},
        {"depth": 3.5},
        {"origin_server_ts": None},
        {"prev_events": "$a"},
        {"prev_events": [1]},
        {"prev_events": ["$a"] * 21},
        {"auth_events": {}},
        {"auth_events": [["$a", {}]]},
        {"auth_events": ["$a"] * 11},
        {"state_key": None},
        {"state_key": 5},
    ],
    ids=str,
)
def test_field_of_wrong_type_is_refused(changes):
    with pytest.raises(MatrixError) as caught:
        pdu(**changes)
    assert caught.value.errcode == "M_BAD_JSON"
    assert next(iter(changes)) in caught.value.error


def test_client_format_has_no_signatures():
    assert client_event(pdu(), {"age": 1}) == {
        "content": {"body": "hello"},
        "event_id": "$event",
        "origin_server_ts": 5,
        "room_id": "!r:b",
        "sender": "@ann:b",
        "type": "m.room.message",
        "unsigned": {"age": 1},
    }


def test_client_format_of_state():
    event = client_event(pdu(type="m.room.name", state_key=""))
    assert event["state_key"] == ""
    assert "unsigned" not in event


@pytest.mark.parametrize(
    "changes",
    [{"content": {"redacts": "$x"}}, {"content": {}, "redacts": "$x"}],
    ids=["version-11", "version-10"],
)
def test_redaction_names_its_target_twice(changes):
    redaction = pdu(type="m.room.redaction", **changes)
    assert redaction.redacts == "$x"
    event = client_event(redaction)
    assert event["redacts"] == event["content"]["redacts"] == "$x"
    assert redaction.content == changes["content"]


def test_only_redactions_redact():
    assert pdu(content={"redacts": "$x"}).redacts is None
    assert pdu(type="m.room.redaction", content={"redacts": 5}).redacts is None


def test_stripped_state_has_four_fields():
    event = pdu(type="m.room.name", state_key="", content={"name": "Tea"})
    assert stripped(event) == {
        "content": {"name": "Tea"},
        "sender": "@ann:b",
        "state_key": "",
        "type": "m.room.name",
    }
