from __future__ import annotations

import pytest

from chatproto.client.terminal.status import room_title, status_text, unsent
from tests.unit.client.terminal.scene import ANN, ME, ROOM, event, state, text


def at(known, **more):
    return status_text(known, known.rooms[ROOM], **more).strip()


@pytest.mark.parametrize(
    ("users", "said"),
    [
        ([ANN], "Ann is writing…"),
        ([ANN, "@bob:x"], "Ann, @bob:x are writing…"),
        ([f"@u{n}:x" for n in range(9)], "9 people are writing…"),
        ([], ME),
    ],
    ids=["one", "two", "many", "nobody"],
)
def test_who_is_writing_is_told(users, said):
    known = state()
    known.apply({"typing": {"room_id": ROOM, "user_ids": users}}, 0)
    assert at(known) == said


def test_lost_connection_is_told_first():
    known = state()
    assert at(known, is_connected=False).startswith("offline: will send when back")
    known.send(ROOM, "m.room.message", text("x"), "t1", 0)
    shown = at(known, is_connected=False, notice="no such message")
    assert shown == "offline: will send when back (1 waiting) · no such message"


def test_refused_messages_do_not_wait():
    known = state()
    known.send(ROOM, "m.room.message", text("x"), "t1", 0)
    assert unsent(known) == 1
    known.failed("t1", {})
    assert unsent(known) == 0


def test_topic_is_in_the_title():
    known = state(event(4, ANN, {"topic": "at noon"}, "m.room.topic", state_key=""))
    assert room_title(known, known.rooms[ROOM]) == " Lunch — at noon"
    assert room_title(known, None) == " chatproto"
