from __future__ import annotations

import pytest
import trio

from chatproto.decisions import Find
from chatproto.errors import MatrixError
from chatproto.operations.accounts import (
    CheckRegistrationToken,
    GetLoginFlows,
    Login,
    Logout,
    MakeLoginToken,
    Refresh,
    WhoAmI,
)
from chatproto.operations.discovery import GetCapabilities
from chatproto.server.tokens import LOGIN_TOKEN_LIFE_MS
from tests.unit.server.harness import ANYBODY, json_of, open_chat, refused

PROOF = {"type": "m.login.password", "password": "annpass"}


async def token_of(person):
    return (await person.call(MakeLoginToken(auth=PROOF))).login_token


async def log_in(chat, token):
    request = Login(type="m.login.token", token=token)
    return await chat.engine.call(ANYBODY, request)


async def test_token_lets_another_device_in(chat, ann):
    answer = await ann.call(MakeLoginToken(auth=PROOF))
    assert answer.expires_in_ms == 120_000
    session = await log_in(chat, answer.login_token)
    assert session.user_id == ann.id
    assert session.device_id != ann.caller.device_id
    caller = await chat.engine.authenticate(session.access_token)
    assert (await chat.engine.call(caller, WhoAmI())).user_id == ann.id


async def test_token_lets_in_once(chat, ann):
    token = await token_of(ann)
    await log_in(chat, token)
    with refused("M_FORBIDDEN", 403):
        await log_in(chat, token)


async def test_token_lets_one_of_two_in(chat, ann):
    token = await token_of(ann)
    came = []

    async def come():
        try:
            came.append(await log_in(chat, token))
        except MatrixError as error:
            came.append(error.errcode)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come)
        nursery.start_soon(come)
    assert came.count("M_FORBIDDEN") == 1


@pytest.mark.parametrize(
    ("waited_ms", "lets_in"), [(LOGIN_TOKEN_LIFE_MS - 1, True), (120_000, False)]
)
async def test_token_ends(chat, ann, waited_ms, lets_in):
    token = await token_of(ann)
    chat.clock.advance_ms(waited_ms)
    if lets_in:
        await log_in(chat, token)
    else:
        with refused("M_FORBIDDEN"):
            await log_in(chat, token)


async def test_expired_tokens_are_forgotten_with_the_next(chat, ann):
    await token_of(ann)
    chat.clock.advance_ms(LOGIN_TOKEN_LIFE_MS)
    await token_of(ann)
    kept = Find(table="tokens", where={"user_id": ann.id, "kind": "login"})
    assert len(await chat.engine.store.find(kept)) == 1


@pytest.mark.parametrize("token", [None, "", "cpl_guess"])
async def test_unknown_token_lets_nobody_in(chat, ann, token):
    with refused("M_FORBIDDEN", 403):
        await log_in(chat, token)


async def test_other_tokens_let_nobody_in(chat, ann):
    session = await chat.engine.call(
        ANYBODY, Login(user="ann", password="annpass", refresh_token=True)
    )
    for token in (session.access_token, session.refresh_token):
        with refused("M_FORBIDDEN"):
            await log_in(chat, token)


async def test_token_is_good_for_nothing_else(chat, ann):
    token = await token_of(ann)
    with refused("M_UNKNOWN_TOKEN"):
        await chat.engine.authenticate(token)
    with refused("M_UNKNOWN_TOKEN"):
        await chat.engine.call(ANYBODY, Refresh(refresh_token=token))


async def test_token_ends_with_the_device_that_made_it(chat, ann):
    token = await token_of(ann)
    await ann.call(Logout())
    with refused("M_FORBIDDEN"):
        await log_in(chat, token)


async def test_token_needs_the_password_each_time(ann):
    await token_of(ann)
    with refused("M_UNAUTHORIZED", 401) as caught:
        await ann.call(MakeLoginToken())
    assert caught.value.extra["flows"] == [{"stages": ["m.login.password"]}]
    with refused("M_FORBIDDEN", 401):
        await ann.call(MakeLoginToken(auth={**PROOF, "password": "guess"}))


async def test_clients_are_told_that_there_are_such_tokens(chat, ann):
    flows = json_of(await chat.engine.call(ANYBODY, GetLoginFlows()))["flows"]
    assert {"type": "m.login.token", "get_login_token": True} in flows
    told = (await ann.call(GetCapabilities())).capabilities
    assert told["m.get_login_token"] == {"enabled": True}


@pytest.mark.parametrize(("token", "valid"), [("north", True), ("south", False)])
async def test_registration_token_is_checked(token, valid):
    known = {"registration": "token", "registration_tokens": ("east", "north")}
    async with open_chat(**known) as chat:
        request = CheckRegistrationToken(token=token)
        assert (await chat.engine.call(ANYBODY, request)).valid is valid


async def test_no_registration_token_helps_where_nobody_registers():
    async with open_chat(registration="closed") as chat:
        with refused("M_FORBIDDEN", 403):
            await chat.engine.call(ANYBODY, CheckRegistrationToken(token="north"))
