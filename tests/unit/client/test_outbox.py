from __future__ import annotations

import json

import pytest

from chatproto.client.outbox import OutboxFile, Stored
from chatproto.errors import LocalError
from chatproto.sync.outbox import Outbox, Outgoing


def entry(txn_id: str) -> Outgoing:
    return Outgoing(
        txn_id=txn_id,
        room_id="!r:x",
        kind="send",
        type="m.room.message",
        content={"body": "Привет"},
        created_ms=1,
    )


def stored(*txn_ids: str) -> Stored:
    outbox = Outbox()
    for txn_id in txn_ids:
        outbox.add(entry(txn_id))
    return Stored(user_id="@anna:x", device_id="D", outbox=outbox)


def test_outbox_comes_back_from_disk(tmp_path):
    file = OutboxFile(tmp_path / "outbox")
    file.save(stored("1", "2"))
    again = file.load()
    assert (again.user_id, again.device_id) == ("@anna:x", "D")
    assert again.outbox.entries() == (entry("1"), entry("2"))


def test_missing_file_is_empty_outbox(tmp_path):
    assert len(OutboxFile(tmp_path / "none").load().outbox) == 0


def test_interrupted_save_leaves_the_old_one(tmp_path):
    file = OutboxFile(tmp_path / "outbox")
    file.save(stored("1"))
    bad = stored("2")
    bad.outbox.set_content("2", {"body": {"not": object()}})
    with pytest.raises(TypeError):
        file.save(bad)
    assert [e.txn_id for e in file.load().outbox.entries()] == ["1"]


BROKEN = {
    "no_json": "{",
    "a_list": "[]",
    "no_entries": "{}",
    "entry_of_another_kind": json.dumps(
        {"user_id": "@a:x", "device_id": "D", "entries": [{"text": "hello"}]}
    ),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_other_file_is_refused(tmp_path, text):
    path = tmp_path / "outbox"
    path.write_text(text)
    with pytest.raises(LocalError, match="does not hold an outbox"):
        OutboxFile(path).load()


@pytest.mark.parametrize(
    ("user", "device"),
    [("anna", "D"), ("@anna:x", "D"), ("boris", None), (None, None)],
)
def test_device_is_that_of_same_user(user, device):
    assert stored().device_of(user) == device
