from __future__ import annotations

import pytest

from chatproto.decisions import Put, Update
from tests.unit.storage.harness import ANN, BOB, ROOM, state


def user(name, display_name, **more):
    row = {
        "user_id": f"@{name}:x",
        "localpart": name,
        "display_name": display_name,
        "created_ts": 0,
        **more,
    }
    return Put(table="users", row=row)


PEOPLE = [
    user("ivan", "Иван Петров"),
    user("maria.ivanova", "Мария Иванова"),
    user("straße", "Straße 100%"),
    user("gone", "Иван Ушедший", is_deactivated=1),
    user("me", "Иван Сам"),
]


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("иван", ["ivan", "maria.ivanova"]),
        ("ИВАН", ["ivan", "maria.ivanova"]),
        ("петр", ["ivan"]),
        ("maria", ["maria.ivanova"]),
        ("ivanova", ["maria.ivanova"]),
        ("етров", []),
        ("100%", ["straße"]),
        ("%", []),
        ("_", []),
        ("' or 1=1 --", []),
        ('" OR *', []),
    ],
    ids=ascii,
)
async def test_people_are_found_by_word_parts(at, term, found):
    await at.write(*PEOPLE)
    rows = await at.store.search_users("@me:x", term, 10)
    assert [row["user_id"] for row in rows] == [f"@{name}:x" for name in found]


async def test_search_is_limited(at):
    await at.write(*(user(f"u{n}", f"Name {n}") for n in range(9)))
    assert len(await at.store.search_users("@me:x", "name", 4)) == 4


async def test_changed_name_is_found(at):
    await at.write(*PEOPLE)
    change = Update(
        table="users", where={"user_id": "@ivan:x"}, set={"display_name": "Пётр"}
    )
    await at.write(change)
    found = await at.store.search_users("@me:x", "пёт", 10)
    assert [row["user_id"] for row in found] == ["@ivan:x"]


async def test_public_rooms_are_listed_with_most_members_first(room):
    assert await room.store.public_rooms(term=None, offset=0, limit=9) == ([], 0)
    public = Update(table="rooms", where={"room_id": ROOM}, set={"is_public": 1})
    await room.write(public, state(3, 3, "m.room.name", {"name": "Обед и чай"}))
    assert await room.store.public_rooms(term=None, offset=0, limit=9) == ([ROOM], 1)
    assert await room.store.public_rooms(term="ОБЕД", offset=0, limit=9) == ([ROOM], 1)
    assert await room.store.public_rooms(term="ужин", offset=0, limit=9) == ([], 0)
    assert await room.store.public_rooms(term=None, offset=1, limit=9) == ([], 1)


async def test_members_are_known(room):
    assert sorted(await room.store.local_members(ROOM)) == [ANN, BOB]
    assert await room.store.joined_count(ROOM) == 2
    assert list(await room.store.shared_users(ANN)) == [BOB]
    assert await room.store.membership(ROOM, "@nobody:x") is None
