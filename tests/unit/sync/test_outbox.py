from __future__ import annotations

import json
from typing import Any

import pytest

from chatproto.errors import LocalError
from chatproto.sync.outbox import Outbox, Outgoing


def entry(txn_id: str, room_id: str = "!r:x", **more: Any) -> Outgoing:
    fields = {"kind": "send", "type": "m.room.message", "content": {"body": txn_id}}
    return Outgoing(txn_id=txn_id, room_id=room_id, created_ms=1, **{**fields, **more})


def outbox(*entries: Outgoing) -> Outbox:
    box = Outbox()
    for each in entries:
        box.add(each)
    return box


def ready(box: Outbox) -> list[str]:
    return [e.txn_id for e in box.ready()]


def event(event_id: str, content: Any, **unsigned: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "type": "m.room.message",
        "sender": "@me:x",
        "content": content,
        "unsigned": {"org.chatproto.seq": 9, **unsigned},
    }


def test_one_entry_per_room_is_on_its_way() -> None:
    box = outbox(entry("1"), entry("2"), entry("3", "!q:x"))
    assert ready(box) == ["1", "3"]
    box.sending("1")
    assert ready(box) == ["3"]
    box.sent("1", "$1", 5)
    assert ready(box) == ["2", "3"]


def test_entry_to_be_retried_keeps_its_place() -> None:
    box = outbox(entry("1"), entry("2"))
    box.sending("1")
    box.failed("1", {"errcode": "M_LIMIT_EXCEEDED"}, retry=True)
    assert ready(box) == ["1"]


def test_failed_for_good_holds_nobody_up_but_those_who_need_it() -> None:
    edit = entry("2", kind="edit", target_txn="1")
    box = outbox(entry("1"), edit, entry("3"))
    box.failed("1", None, retry=False)
    assert ready(box) == ["3"]
    box.retry("1")
    assert ready(box) == ["1"]


def test_cancelled_entry_takes_its_edits_along() -> None:
    edit = entry("2", kind="edit", target_txn="1")
    box = outbox(entry("1"), edit, entry("3"))
    assert [e.txn_id for e in box.cancel("1")] == ["1", "2"]
    assert [e.txn_id for e in box.entries()] == ["3"]
    assert box.cancel("1") == ()


def test_confirmation_names_the_target_of_an_edit() -> None:
    box = outbox(entry("1"), entry("2", kind="edit", target_txn="1"))
    box.sent("1", "$1", 5)
    edit = box.get("2")
    assert edit is not None
    assert (edit.target, edit.target_txn) == ("$1", None)


def test_used_transaction_id_is_refused() -> None:
    with pytest.raises(LocalError, match="in use"):
        outbox(entry("1"), entry("1"))


def test_outbox_survives_storing() -> None:
    box = outbox(entry("1"), entry("2", kind="redact", target="$t"))
    box.sending("1")
    box.failed("2", {"errcode": "M_FORBIDDEN"}, retry=False)
    again = Outbox.of_json(json.loads(json.dumps(box.to_json())))
    assert [e.status for e in again.entries()] == ["waiting", "failed"]
    assert again.get("2") == box.get("2")


def test_stored_outbox_of_a_later_version_is_read() -> None:
    (stored,) = outbox(entry("1")).to_json()
    again = Outbox.of_json([{**stored, "unheard_of": 1}])
    assert again.get("1") == entry("1")


def test_event_naming_its_transaction_is_done() -> None:
    box = outbox(entry("1"), entry("2"))
    assert box.arrived("!r:x", event("$1", {}, transaction_id="2")) == ("2",)
    assert [e.txn_id for e in box.entries()] == ["1"]


@pytest.mark.parametrize(
    ("status", "content", "room_id"),
    [
        ("waiting", {"body": "1"}, "!r:x"),
        ("sending", {"body": "2"}, "!r:x"),
        ("sending", {"body": "1"}, "!q:x"),
    ],
    ids=["not-on-its-way", "other-words", "other-room"],
)
def test_foreign_event_claims_nothing(
    status: str, content: dict[str, str], room_id: str
) -> None:
    box = outbox(entry("1", status=status))
    assert box.arrived(room_id, event("$1", content)) == ()
    assert box.entries()[0].is_shown


def test_claim_is_given_back_when_it_failed() -> None:
    box = outbox(entry("1", status="sending"))
    box.arrived("!r:x", event("$1", {"body": "1"}))
    assert not box.entries()[0].is_shown
    box.failed("1", None, retry=True)
    assert box.entries()[0].is_shown


def test_stored_event_behind_the_head_is_history() -> None:
    box = outbox(entry("1"), entry("2"))
    box.sent("1", "$1", 5)
    box.sent("2", "$2", 6)
    assert box.passed("!r:x", 5) == ("1",)


def test_redaction_is_told_by_its_target() -> None:
    mine = entry("1", kind="redact", type="m.room.redaction", target="$t")
    redaction = {**event("$1", {"redacts": "$t"}), "type": "m.room.redaction"}
    assert mine.is_like(redaction)
    assert not mine.is_like({**redaction, "content": {"redacts": "$u"}})
