from __future__ import annotations

from typing import Any

import pytest

from chatproto.errors import LocalError
from chatproto.sync import chat_list
from chatproto.sync.room import Room


def room(name: str, bump: int = 0, membership: str = "join", **data: Any) -> Room:
    return Room(
        room_id=name, own="@me:x", membership=membership, bump=bump, account_data=data
    )


def test_rooms_go_by_bump_then_by_id() -> None:
    rooms = [room("!b", 5), room("!c", 7), room("!a", 5), room("!d", 9, "invite")]
    assert chat_list.order(rooms) == ["!d", "!c", "!a", "!b"]


def test_only_rooms_one_is_in_or_asked_into_are_listed() -> None:
    rooms = [room("!a", 1, m) for m in ("leave", "ban", "knock")]
    assert chat_list.order(rooms) == []


PLAIN = room("!plain")
DIRECT = room("!direct")
LOW = room("!low", **{"m.tag": {"tags": {"m.lowpriority": {}}}})
MARKED = room("!marked", **{"m.marked_unread": {"unread": True}})
ASKED = room("!asked", membership="invite")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("all", [PLAIN, DIRECT, MARKED, ASKED]),
        ("unread", [MARKED, ASKED]),
        ("people", [DIRECT]),
        ("rooms", [PLAIN, MARKED, ASKED]),
        ("archived", [LOW]),
    ],
)
def test_filter_shows(name: str, shown: list[Room]) -> None:
    rooms = [PLAIN, DIRECT, LOW, MARKED, ASKED]
    found = [r for r in rooms if chat_list.chosen(r, name, {"!direct"})]
    assert found == shown


def test_unknown_filter_is_the_callers_mistake() -> None:
    with pytest.raises(LocalError, match="no filter 'new'"):
        chat_list.chosen(PLAIN, "new", ())
