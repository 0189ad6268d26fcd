from __future__ import annotations

from itertools import count

import pytest
import trio
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatproto.operations.key_backup import (
    CreateBackup,
    DeleteBackup,
    DeleteKey,
    DeleteKeys,
    DeleteRoomKeys,
    GetBackup,
    GetBackupVersion,
    GetKey,
    GetKeys,
    GetRoomKeys,
    KeyBackupData,
    PutKey,
    PutKeys,
    PutRoomKeys,
    RoomKeyBackup,
    UpdateBackup,
)
from tests.unit.server.harness import open_chat, refused

METHOD = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2"}
ROOM, OTHER = "!r:example.org", "!o:example.org"
KEY = KeyBackupData(
    first_message_index=3,
    forwarded_count=1,
    is_verified=False,
    session_data={"ciphertext": "x"},
)


async def create(person, **auth_data):
    made = await person.call(CreateBackup(**METHOD, auth_data=auth_data))
    return made.version


def put(version, session="s", key=KEY, room=ROOM):
    return PutRoomKeys(room_id=room, version=version, sessions={session: key})


async def stored(person, version, session="s", room=ROOM):
    where = {"room_id": room, "session_id": session, "version": version}
    return await person.call(GetKey(**where))


async def test_backup_is_made_changed_and_read(bob):
    version = await create(bob, public_key="a")
    update = UpdateBackup(version=version, **METHOD, auth_data={"public_key": "b"})
    await bob.call(update)
    for backup in (
        await bob.call(GetBackup()),
        await bob.call(GetBackupVersion(version=version)),
    ):
        assert backup.version == version
        assert backup.auth_data == {"public_key": "b"}
        assert (backup.count, backup.etag) == (0, "0")
    with refused("M_INVALID_PARAM"):
        await bob.call(evolve(update, algorithm="other"))


async def test_number_of_a_deleted_backup_is_not_given_again(bob):
    first = await create(bob)
    await bob.call(put(first))
    await bob.call(DeleteBackup(version=first))
    for call in (
        GetBackup(),
        GetBackupVersion(version=first),
        GetKeys(version=first),
        DeleteBackup(version=first),
        put(first),
    ):
        with refused("M_NOT_FOUND"):
            await bob.call(call)
    assert await create(bob) != first


async def test_keys_go_into_the_newest_backup_only(bob):
    first, second = await create(bob), await create(bob)
    with refused("M_WRONG_ROOM_KEYS_VERSION", 403) as caught:
        await bob.call(put(first))
    assert caught.value.extra == {"current_version": second}
    await bob.call(put(second))
    assert (await bob.call(GetKeys(version=first))).rooms == {}
    await bob.call(DeleteBackup(version=second))
    assert (await bob.call(GetBackup())).version == first


async def test_keys_are_put_and_read_in_every_way(bob):
    version = await create(bob)
    answers = [
        await bob.call(
            PutKeys(
                version=version,
                rooms={
                    ROOM: RoomKeyBackup(sessions={"a": KEY, "b": KEY}),
                    OTHER: RoomKeyBackup(sessions={"c": KEY}),
                },
            )
        ),
        await bob.call(put(version, "d")),
        await bob.call(
            PutKey(
                room_id=OTHER,
                session_id="e",
                version=version,
                first_message_index=0,
                forwarded_count=0,
                is_verified=True,
                session_data={},
            )
        ),
    ]
    assert [(a.count, a.etag) for a in answers] == [(3, "1"), (4, "2"), (5, "3")]
    rooms = (await bob.call(GetKeys(version=version))).rooms
    assert {room: set(keys.sessions) for room, keys in rooms.items()} == {
        ROOM: {"a", "b", "d"},
        OTHER: {"c", "e"},
    }
    there = await bob.call(GetRoomKeys(room_id=ROOM, version=version))
    assert there.sessions == {"a": KEY, "b": KEY, "d": KEY}
    assert await stored(bob, version, "a") == KEY


async def test_keys_are_deleted_in_every_way(bob):
    version = await create(bob)
    for session, room in (("a", ROOM), ("b", ROOM), ("c", OTHER), ("d", OTHER)):
        await bob.call(put(version, session, room=room))
    one = DeleteKey(room_id=ROOM, session_id="a", version=version)
    assert [(await bob.call(one)).count for _ in range(2)] == [3, 3]
    in_room = DeleteRoomKeys(room_id=OTHER, version=version)
    assert (await bob.call(in_room)).count == 1
    with refused("M_NOT_FOUND"):
        await stored(bob, version, "c", OTHER)
    assert (await bob.call(DeleteKeys(version=version))).count == 0
    assert (await bob.call(GetKeys(version=version))).rooms == {}


async def test_worse_key_changes_nothing(bob):
    version = await create(bob)
    first = await bob.call(put(version))
    worse = evolve(KEY, forwarded_count=2)
    assert await bob.call(put(version, key=worse)) == first
    better = evolve(KEY, is_verified=True, first_message_index=9)
    assert (await bob.call(put(version, key=better))).etag != first.etag
    assert await stored(bob, version) == better


KEYS = st.builds(
    KeyBackupData,
    first_message_index=st.integers(0, 3),
    forwarded_count=st.integers(0, 3),
    is_verified=st.booleans(),
    session_data=st.just({}),
)


def rank(key):
    return (not key.is_verified, key.first_message_index, key.forwarded_count)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(keys=st.lists(KEYS, min_size=1, max_size=8), at_once=st.booleans())
def test_best_of_all_keys_is_kept(keys, at_once):
    async def main():
        async with open_chat() as chat:
            bob = await chat.person("bob")
            version = await create(bob)
            async with trio.open_nursery() as nursery:
                for key in keys:
                    if at_once:
                        nursery.start_soon(bob.call, put(version, key=key))
                    else:
                        await bob.call(put(version, key=key))
            assert rank(await stored(bob, version)) == min(map(rank, keys))
            backup = await bob.call(GetBackup())
            assert backup.count == 1

    trio.run(main)


async def test_others_have_backups_of_their_own(ann, bob):
    version = await create(bob)
    await bob.call(put(version))
    for call in (GetBackup(), GetKeys(version=version), put(version)):
        with refused("M_NOT_FOUND"):
            await ann.call(call)
    assert await create(ann) == version
    assert (await ann.call(GetKeys(version=version))).rooms == {}


async def test_many_keys_at_once(bob):
    version, names = await create(bob), count()
    sessions = {f"s{next(names)}": KEY for _ in range(1_000)}
    answer = await bob.call(
        PutRoomKeys(room_id=ROOM, version=version, sessions=sessions)
    )
    assert answer.count == 1_000
    more = {f"s{next(names)}": KEY for _ in range(5_001)}
    with refused("M_TOO_LARGE"):
        await bob.call(PutRoomKeys(room_id=ROOM, version=version, sessions=more))


@pytest.mark.parametrize("version", ["99999999999999999999", "9" * 5_000, "-1", "x"])
async def test_absurd_version_is_refused(bob, version):
    await create(bob)
    with refused("M_NOT_FOUND"):
        await bob.call(DeleteKeys(version=version))
    with refused("M_WRONG_ROOM_KEYS_VERSION"):
        await bob.call(PutKeys(version=version, rooms={}))
