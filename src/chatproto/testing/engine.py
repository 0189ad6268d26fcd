"""A real engine in memory, with users who can log in at no cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from chatproto.decisions import Caller, Decision, Put
from chatproto.ids import DeviceId, UserId, parse_new_localpart, user_id
from chatproto.module import Module
from chatproto.operations.accounts import Login
from chatproto.ports import Clock
from chatproto.server.engine import Engine
from chatproto.server.handlers.sessions import user_row
from chatproto.server.settings import Settings
from chatproto.signing import SigningKey
from chatproto.storage.keys import FixedKeyStore
from chatproto.storage.memory import MemoryStore
from chatproto.testing.clock import SeededRandom, TrioClock

SERVER_NAME = "example.org"
_OPERATOR = Caller(is_admin=True)


class PlainHasher:
    """Takes no time, for it hashes nothing. Only for tests."""

    async def hash(self, password: str) -> str:
        return f"plain:{password}"

    async def verify(self, stored: str | None, password: str) -> bool:
        return stored == f"plain:{password}"


@asynccontextmanager
async def open_engine(
    *users: str,
    modules: Sequence[Module] = (),
    clock: Clock | None = None,
    seed: int = 0,
    **settings: Any,
) -> AsyncGenerator[Engine]:
    """A real engine on a store in memory, for the time of the block.

    `users` are the names of accounts to begin with; the password of each is its name
    and "pass". `settings` are those of `Settings`; rate limits are off unless set. All
    it makes at random follows from `seed`.
    """
    known: dict[str, Any] = {"server_name": SERVER_NAME, "rates": None, **settings}
    random = SeededRandom(seed)
    async with Engine.open(
        Settings(**known),
        store=MemoryStore(),
        clock=clock or TrioClock(),
        keys=FixedKeyStore(SigningKey.generate("test", random.bytes(32))),
        random=random.bytes,
        modules=modules,
        passwords=PlainHasher(),
    ) as engine:
        await add_users(engine, users)
        yield engine


async def add_users(engine: Engine, names: Iterable[str]) -> None:
    """Make accounts with the password `password_of`. Raises MatrixError."""
    rows = [
        user_row(
            full_id(engine, name),
            password_hash=await engine.passwords.hash(password_of(name)),
            now_ms=engine.clock.now_ms(),
        )
        for name in names
    ]
    writes = tuple(Put(table="users", row=row) for row in rows)
    await engine.commit(_OPERATOR, Decision(writes=writes))


async def log_in(engine: Engine, name: str, device_id: DeviceId | None = None) -> str:
    """An access token for one of the users. Raises MatrixError."""
    login = Login(user=name, password=password_of(name), device_id=device_id)
    return (await engine.call(Caller(address="127.0.0.1"), login)).access_token


def password_of(name: str) -> str:
    return f"{name}pass"


def full_id(engine: Engine, name: str) -> UserId:
    """The user ID of an account by its name. Raises MatrixError."""
    return user_id(parse_new_localpart(name), engine.server)
