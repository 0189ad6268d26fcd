"""Accounts made and changed by the operator, past the rules of registration."""

from __future__ import annotations

from collections.abc import Sequence

from chatproto.decisions import (
    Caller,
    Decision,
    Delete,
    EndSessions,
    Find,
    Put,
    Row,
    Update,
)
from chatproto.errors import LocalError
from chatproto.ids import UserId, parse_new_localpart, user_id
from chatproto.server.engine import Engine
from chatproto.server.handlers.sessions import user_row
from chatproto.server.passwords import check_new_password

OPERATOR = Caller(is_admin=True)
ROLES = ("user", "admin")


class UserError(LocalError):
    """What the operator asked for cannot be done; the message says why."""


async def add_user(
    engine: Engine,
    name: str,
    password: str,
    *,
    admin: bool = False,
    display_name: str | None = None,
) -> UserId:
    """Make an account. Raises UserError if there is one, MatrixError for a bad name."""
    user = user_id(parse_new_localpart(name), engine.server)
    if await find_user(engine, user) is not None:
        raise UserError(f"there is a user {user} already")
    check_new_password(password)
    row = user_row(
        user,
        password_hash=await engine.passwords.hash(password),
        now_ms=engine.clock.now_ms(),
        is_admin=admin,
        display_name=display_name,
    )
    await engine.commit(OPERATOR, Decision(writes=(Put(table="users", row=row),)))
    return user


async def find_user(engine: Engine, user: UserId) -> Row | None:
    rows = await engine.store.find(Find(table="users", where={"user_id": user}))
    return rows[0] if rows else None


async def list_users(engine: Engine) -> Sequence[Row]:
    return await engine.store.find(Find(table="users", where={}, order=("user_id",)))


async def set_password(engine: Engine, name: str, password: str) -> None:
    """Set a password and log the user out everywhere. Raises UserError."""
    user = await _existing(engine, name)
    check_new_password(password)
    hashed = await engine.passwords.hash(password)
    where = {"user_id": user}
    await engine.commit(
        OPERATOR,
        Decision(
            writes=(
                Update(table="users", where=where, set={"password_hash": hashed}),
                Delete(table="tokens", where=where),
            ),
            effects=(EndSessions(user_id=user),),
        ),
    )


async def set_role(engine: Engine, name: str, role: str) -> None:
    """Make a user an administrator, or an ordinary user. Raises UserError."""
    if role not in ROLES:
        raise UserError(f"a role is one of {', '.join(ROLES)}")
    user = await _existing(engine, name)
    where = {"user_id": user}
    change = {"is_admin": int(role == "admin")}
    update = Update(table="users", where=where, set=change)
    decision = Decision(writes=(update,), effects=(EndSessions(user_id=user),))
    await engine.commit(OPERATOR, decision)


async def has_admin(engine: Engine) -> bool:
    admins = Find(table="users", where={"is_admin": 1}, limit=1)
    return bool(await engine.store.find(admins))


async def _existing(engine: Engine, name: str) -> UserId:
    bare = name[1:].partition(":")[0] if name.startswith("@") else name
    user = user_id(parse_new_localpart(bare), engine.server)
    if await find_user(engine, user) is None:
        raise UserError(f"there is no user {user}")
    return user
