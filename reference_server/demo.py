"""Users, rooms and history to try the server with. Never for real use."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from chatproto.decisions import Caller
from chatproto.ids import DeviceId, RoomId, TxnId, UserId
from chatproto.operations.messages import SendEvent
from chatproto.operations.rooms import (
    CreateRoom,
    InitialState,
    JoinRoom,
    OpenDirectChat,
)
from chatproto.server.engine import Engine
from chatproto.server.passwords import MIN_BYTES
from reference_server.users import add_user, list_users

_DEVICE = DeviceId("DEMO")


@frozen
class DemoUser:
    name: str
    password: str
    display_name: str
    admin: bool = False


USERS = (
    DemoUser("admin", "admin123", "Administrator", admin=True),
    DemoUser("user1", "user1pass", "Anna Petrova"),
    DemoUser("user2", "user2pass", "Boris Ivanov"),
    DemoUser("user3", "user3pass", "Clara Smirnova"),
    DemoUser("user4", "user4pass", "Dmitri Orlov"),
)
assert all(len(user.password) >= MIN_BYTES for user in USERS)

_GENERAL = (
    ("admin", "Welcome! This is the demo of chatproto."),
    ("user1", "Привет всем! Кто уже попробовал терминальный клиент?"),
    ("user2", "I did: `chatproto chat` is nice."),
    ("user3", "А задачи и отпуска будут?"),
    ("admin", "Yes, as modules: ordinary events that sync and search."),
)
_PROJECT = (
    ("user1", "The new release goes out on Friday."),
    ("user4", "I have checked the migration on a copy, it took 40 seconds."),
    ("user2", "Отлично, тогда в четверг замораживаем ветку."),
)
_DIRECT = (
    ("user1", "Hi Boris, have you seen the draft?"),
    ("user2", "Yes, I will answer in the evening."),
)


async def make_demo(engine: Engine) -> bool:
    """Fill an empty server; whether there was anything to do."""
    bridges = {service.sender for service in engine.appservices}
    if any(row["user_id"] not in bridges for row in await list_users(engine)):
        return False
    for user in USERS:
        await add_user(
            engine,
            user.name,
            user.password,
            admin=user.admin,
            display_name=user.display_name,
        )
    everyone = [user.name for user in USERS]
    general = await _room(engine, "admin", "General", "general", everyone)
    await _say(engine, general, _GENERAL)
    project = await _room(engine, "user1", "Project", None, ["user1", "user2", "user4"])
    await _say(engine, project, _PROJECT)
    direct = await engine.call(
        _caller(engine, "user1"),
        OpenDirectChat(user_id=_user(engine, "user2")),
    )
    await engine.call(_caller(engine, "user2"), JoinRoom(room_id=direct.room_id))
    await _say(engine, direct.room_id, _DIRECT)
    return True


async def _room(
    engine: Engine,
    creator: str,
    name: str,
    alias: str | None,
    members: Sequence[str],
) -> RoomId:
    others = [member for member in members if member != creator]
    preset = "private_chat" if alias is None else "public_chat"
    made = await engine.call(
        _caller(engine, creator),
        CreateRoom(
            name=name,
            preset=preset,
            visibility="private" if alias is None else "public",
            room_alias_name=alias,
            invite=tuple(_user(engine, other) for other in others),
            initial_state=(
                InitialState(
                    type="m.room.history_visibility",
                    content={"history_visibility": "shared"},
                ),
            ),
        ),
    )
    for other in others:
        await engine.call(_caller(engine, other), JoinRoom(room_id=made.room_id))
    return made.room_id


async def _say(
    engine: Engine, room_id: RoomId, lines: Sequence[tuple[str, str]]
) -> None:
    for number, (name, text) in enumerate(lines):
        await engine.call(
            _caller(engine, name),
            SendEvent(
                room_id=room_id,
                event_type="m.room.message",
                txn_id=TxnId(f"demo{number}"),
                content={"msgtype": "m.text", "body": text},
            ),
        )


def _user(engine: Engine, name: str) -> UserId:
    return UserId(f"@{name}:{engine.server}")


def _caller(engine: Engine, name: str) -> Caller:
    return Caller(user_id=_user(engine, name), device_id=_DEVICE)
