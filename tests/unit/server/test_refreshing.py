from __future__ import annotations

import pytest
import trio

from chatproto.decisions import Caller
from chatproto.errors import MatrixError
from chatproto.operations.accounts import Login, Refresh, Register
from chatproto.testing import open_engine

STRANGER = Caller(address="192.0.2.1")


@pytest.fixture
async def session():
    async with open_engine(registration="open") as engine:
        register = Register(
            username="anna",
            password="correct horse",
            auth={"type": "m.login.dummy"},
            inhibit_login=True,
        )
        made = await engine.call(STRANGER, register)
        assert (made.user_id, made.access_token) == ("@anna:example.org", None)
        yield engine, await log_in(engine)


async def log_in(engine):
    request = Login(
        identifier={"type": "m.id.user", "user": "anna"},
        password="correct horse",
        refresh_token=True,
    )
    return await engine.call(STRANGER, request)


async def refresh(engine, tokens):
    return await engine.call(STRANGER, Refresh(refresh_token=tokens.refresh_token))


async def use(engine, tokens):
    await engine.authenticate(tokens.access_token)
    await trio.testing.wait_all_tasks_blocked()


async def is_refused(engine, tokens):
    try:
        await engine.authenticate(tokens.access_token)
    except MatrixError as error:
        return error.errcode == "M_UNKNOWN_TOKEN"
    return False


async def test_old_access_token_lives_beside_the_new(session):
    engine, first = session
    second = await refresh(engine, first)
    await use(engine, first)
    await use(engine, second)
    await use(engine, first)


async def test_lost_answer_can_be_asked_for_again(session):
    engine, first = session
    lost = await refresh(engine, first)
    second = await refresh(engine, first)
    await use(engine, second)
    assert await is_refused(engine, lost)
    with pytest.raises(MatrixError, match="refresh token is not known"):
        await refresh(engine, lost)


async def test_used_new_token_ends_the_old_refresh_token(session):
    engine, first = session
    second = await refresh(engine, first)
    await use(engine, second)
    with pytest.raises(MatrixError, match="refresh token is not known"):
        await refresh(engine, first)


async def test_only_two_generations_of_access_tokens_live(session):
    engine, first = session
    second = await refresh(engine, first)
    await refresh(engine, second)
    assert await is_refused(engine, first)
    assert not await is_refused(engine, second)


async def test_access_token_refreshes_nothing(session):
    engine, first = session
    with pytest.raises(MatrixError, match="refresh token is not known"):
        await engine.call(STRANGER, Refresh(refresh_token=first.access_token))
    with pytest.raises(MatrixError, match="not known"):
        await engine.authenticate(first.refresh_token)
