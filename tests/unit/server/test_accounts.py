from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from chatproto.decisions import Decision, Update
from chatproto.errors import MatrixError
from chatproto.operations.accounts import (
    ChangePassword,
    CheckUsername,
    Deactivate,
    GetLoginFlows,
    ListDevices,
    Login,
    Logout,
    LogoutAll,
    MakeTicket,
    Refresh,
    Register,
    WhoAmI,
)
from chatproto.operations.declare import Rate
from chatproto.operations.profiles import GetProfile, SearchUsers
from chatproto.operations.rooms import Ban, InitialState, KnockRoom
from chatproto.server.rates import Bucket
from tests.unit.server.harness import (
    ANYBODY,
    OPERATOR,
    Caller,
    json_of,
    open_chat,
    refused,
)

DUMMY = {"type": "m.login.dummy"}
PROOF = {"type": "m.login.password", "password": "annpass"}


def new(username="new", **fields):
    known = {"username": username, "password": "password", "auth": DUMMY}
    return Register(**{**known, **fields})


async def register(chat, request):
    return await chat.engine.call(ANYBODY, request)


async def log_in(chat, **fields):
    return await chat.engine.call(ANYBODY, Login(**fields))


async def whose(chat, token):
    """The user whose access token this is."""
    return (await chat.engine.authenticate(token)).user_id


async def is_over(chat, *people):
    for person in people:
        with refused("M_UNKNOWN_TOKEN", status=401):
            await chat.engine.authenticate(person.token)


# registering


async def test_registering_asks_for_a_stage_first(chat):
    with refused("M_UNAUTHORIZED", status=401) as caught:
        await register(chat, new(auth=None))
    asked = caught.value.extra
    assert asked["flows"] == [{"stages": ["m.login.dummy"]}]
    assert asked["session"]
    auth = {**DUMMY, "session": asked["session"]}
    made = await register(chat, new(auth=auth))
    assert made.user_id == "@new:example.org"


async def test_registered_are_logged_in(chat):
    request = new(device_id="PHONE", initial_device_display_name="My phone")
    made = await register(chat, request)
    caller = await chat.engine.authenticate(made.access_token)
    assert (caller.user_id, caller.device_id) == ("@new:example.org", "PHONE")
    [device] = (await chat.engine.call(caller, ListDevices())).devices
    assert (device.device_id, device.display_name) == ("PHONE", "My phone")
    assert await log_in(chat, user="new", password="password")


async def test_registering_without_logging_in(chat):
    made = await register(chat, new(inhibit_login=True))
    assert json_of(made) == {"user_id": "@new:example.org"}
    assert not await chat.rows("tokens")


async def test_name_is_in_lower_case(chat):
    assert (await register(chat, new("NEW"))).user_id == "@new:example.org"
    with refused("M_USER_IN_USE"):
        await register(chat, new("nEw"))


async def test_names_are_found_for_those_without(chat):
    made = [await register(chat, new(None)) for _ in range(3)]
    assert len({each.user_id for each in made}) == 3


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        ({"username": "ann"}, "M_USER_IN_USE"),
        ({"username": "a b"}, "M_INVALID_USERNAME"),
        ({"username": ""}, "M_INVALID_USERNAME"),
        ({"username": "ы"}, "M_INVALID_USERNAME"),
        ({"username": "Admin"}, "M_INVALID_USERNAME"),
        ({"username": "12345"}, "M_INVALID_USERNAME"),
        ({"username": "a" * 256}, "M_INVALID_USERNAME"),
        ({"password": "short"}, "M_WEAK_PASSWORD"),
        ({"password": "p" * 513}, "M_WEAK_PASSWORD"),
        ({"password": None}, "M_MISSING_PARAM"),
        ({"kind": "guest"}, "M_FORBIDDEN"),
        ({"device_id": "a\n"}, "M_INVALID_PARAM"),
        ({"auth": {"type": "m.login.sso"}}, "M_UNAUTHORIZED"),
    ],
    ids=str,
)
async def test_registering_is_refused(chat, ann, fields, errcode):
    with refused(errcode):
        await register(chat, new(**fields))
    assert len(await chat.rows("users")) == 1


@pytest.mark.parametrize(
    ("username", "errcode"),
    [
        ("free", None),
        ("ann", "M_USER_IN_USE"),
        ("ANN", "M_USER_IN_USE"),
        ("support", "M_INVALID_USERNAME"),
        ("a b", "M_INVALID_USERNAME"),
    ],
)
async def test_name_can_be_asked_for(chat, ann, username, errcode):
    request = CheckUsername(username=username)
    if errcode is None:
        assert (await chat.engine.call(ANYBODY, request)).available
    else:
        with refused(errcode):
            await chat.engine.call(ANYBODY, request)


async def test_one_of_two_at_once_gets_the_name(chat):
    codes = []

    async def one():
        try:
            codes.append((await register(chat, new())).user_id)
        except MatrixError as error:
            codes.append(error.errcode)

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(one)
    assert sorted(codes) == ["@new:example.org", "M_USER_IN_USE"]


async def test_closed_server_registers_nobody():
    async with open_chat(registration="closed") as chat:
        with refused("M_FORBIDDEN", status=403):
            await register(chat, new())


@pytest.mark.parametrize("token", ["right", "wrong", None])
async def test_registration_token_is_asked_for(token):
    options = {"registration": "token", "registration_tokens": ("right",)}
    async with open_chat(**options) as chat:
        auth = {"type": "m.login.registration_token", "token": token}
        if token == "right":
            assert await register(chat, new(auth=auth))
        else:
            with refused("M_FORBIDDEN", status=401) as caught:
                await register(chat, new(auth=auth))
            stages = caught.value.extra["flows"][0]["stages"]
            assert stages == ["m.login.registration_token"]
        with refused("M_UNAUTHORIZED", status=401):
            await register(chat, new("other"))


# logging in


@pytest.mark.parametrize(
    "who",
    [
        {"user": "ann"},
        {"user": "ANN"},
        {"user": "@ann:example.org"},
        {"identifier": {"type": "m.id.user", "user": "ann"}},
        {"identifier": {"type": "m.id.user", "user": "@ann:example.org"}},
    ],
    ids=str,
)
async def test_logging_in_by_any_name(chat, ann, who):
    found = await log_in(chat, **who, password="annpass")
    assert (found.user_id, found.home_server) == (ann.id, "example.org")
    assert await whose(chat, found.access_token) == ann.id
    assert found.refresh_token is found.expires_in_ms is None


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        ({"password": "wrong"}, "M_FORBIDDEN"),
        ({"password": ""}, "M_FORBIDDEN"),
        ({"user": "nobody"}, "M_FORBIDDEN"),
        ({"user": "@ann:example.com"}, "M_FORBIDDEN"),
        ({"user": None}, "M_MISSING_PARAM"),
        ({"identifier": {"type": "m.id.user"}}, "M_MISSING_PARAM"),
        ({"identifier": {"type": "m.id.phone"}}, "M_UNKNOWN"),
        ({"type": "m.login.sso", "token": "t"}, "M_UNKNOWN"),
        ({"device_id": "a\n"}, "M_INVALID_PARAM"),
    ],
    ids=str,
)
async def test_logging_in_is_refused(chat, ann, fields, errcode):
    before = await chat.rows("tokens")
    with refused(errcode):
        await log_in(chat, **{"user": "ann", "password": "annpass", **fields})
    assert await chat.rows("tokens") == before


async def test_unknown_user_and_wrong_password_look_alike(chat, ann):
    said = []
    for user in ("ann", "nobody"):
        with refused("M_FORBIDDEN", status=403) as caught:
            await log_in(chat, user=user, password="wrong")
        said.append(caught.value.to_json())
    assert said[0] == said[1]


async def test_ways_to_log_in_are_told(chat):
    found = json_of(await chat.engine.call(ANYBODY, GetLoginFlows()))
    types = [flow["type"] for flow in found["flows"]]
    assert types == ["m.login.password", "m.login.token"]


async def test_guesses_are_slowed_down_for_one_account():
    rates = {rate: Bucket(1, 1000) for rate in Rate} | {Rate.LOGIN: Bucket(0.1, 3)}
    async with open_chat(rates=rates) as chat:
        await chat.people("ann", "bob")
        codes = []
        for _ in range(5):
            guesser = Caller(address="192.0.2.66")
            with pytest.raises(MatrixError) as caught:
                await chat.engine.call(guesser, Login(user="ann", password="guess"))
            codes.append(caught.value.errcode)
        assert codes[0] == "M_FORBIDDEN"
        assert codes[-1] == "M_LIMIT_EXCEEDED"
        assert caught.value.retry_after_ms
        chat.clock.advance_ms(caught.value.retry_after_ms)
        elsewhere = Caller(address="192.0.2.7")
        await chat.engine.call(elsewhere, Login(user="ann", password="annpass"))


async def test_device_that_logs_in_again_is_a_new_session(chat):
    first = await chat.person("ann", "PHONE")
    again = await chat.person("ann", "PHONE")
    await is_over(chat, first)
    assert await whose(chat, again.token) == first.id
    assert len(await chat.rows("devices", user_id=first.id)) == 1


async def test_locked_account_is_kept_out_softly(chat, ann):
    lock = Update(table="users", where={"user_id": ann.id}, set={"is_locked": 1})
    fresh = await log_in(chat, user="ann", password="annpass")
    await chat.engine.commit(OPERATOR, Decision(writes=(lock,)))
    with refused("M_USER_LOCKED"):
        await log_in(chat, user="ann", password="annpass")
    with refused("M_USER_LOCKED", status=401) as caught:
        await chat.engine.authenticate(fresh.access_token)
    assert caught.value.extra == {"soft_logout": True}


async def test_token_names_its_owner(chat, ann):
    found = await ann.call(WhoAmI())
    assert (found.user_id, found.device_id) == (ann.id, ann.caller.device_id)
    assert found.is_admin is None
    admin = await chat.administrator()
    assert (await admin.call(WhoAmI())).is_admin is True


@pytest.mark.parametrize("token", ["", "cpa_guess", "\ud800"])
async def test_unknown_token_is_refused(chat, token):
    with refused("M_UNKNOWN_TOKEN", status=401) as caught:
        await chat.engine.authenticate(token)
    assert "soft_logout" not in caught.value.extra


# refreshing


@pytest.fixture
async def phone(chat):
    """A device of Ann's that renews its token."""
    return await chat.person("ann", "PHONE", refresh_token=True)


async def refresh(chat, token):
    return await chat.engine.call(ANYBODY, Refresh(refresh_token=token))


async def test_old_token_expires_softly(chat, phone):
    life_ms = chat.engine.settings.access_token_life_ms
    chat.clock.advance_ms(life_ms - 1)
    await whose(chat, phone.token)
    chat.clock.advance_ms(1)
    with refused("M_UNKNOWN_TOKEN", status=401) as caught:
        await chat.engine.authenticate(phone.token)
    assert caught.value.extra == {"soft_logout": True}


async def test_token_is_renewed_after_it_expired(chat, phone):
    life_ms = chat.engine.settings.access_token_life_ms
    chat.clock.advance_ms(life_ms)
    renewed = await refresh(chat, phone.refresh_token)
    assert renewed.expires_in_ms == life_ms
    caller = await chat.engine.authenticate(renewed.access_token)
    assert caller == phone.caller
    again = await refresh(chat, renewed.refresh_token)
    assert await whose(chat, again.access_token) == phone.id


async def test_token_in_use_two_renewals_ago_is_over(chat, phone):
    renewed = await refresh(chat, phone.refresh_token)
    await whose(chat, phone.token)
    await whose(chat, renewed.access_token)
    await refresh(chat, renewed.refresh_token)
    await is_over(chat, phone)
    assert await whose(chat, renewed.access_token) == phone.id


async def test_refreshing_ends_with_the_session(chat, phone):
    await phone.call(Logout())
    with refused("M_UNKNOWN_TOKEN"):
        await refresh(chat, phone.refresh_token)


# logging out


async def test_logging_out_ends_one_device(chat):
    phone, laptop = await chat.people("ann", "ann")
    await phone.call(Logout())
    await is_over(chat, phone)
    assert await whose(chat, laptop.token) == laptop.id
    assert len(await chat.rows("devices")) == 1


async def test_logging_out_everywhere(chat, bob):
    phone, laptop = await chat.people("ann", "ann")
    await phone.call(LogoutAll())
    await is_over(chat, phone, laptop)
    assert await whose(chat, bob.token) == bob.id


async def test_waiting_sync_ends_with_the_session(chat, ann, autojump_clock):
    other = await chat.person("ann")

    async def wait():
        since = await ann.position()
        with refused("M_UNKNOWN_TOKEN", status=401):
            while True:
                since = (await ann.sync(since, timeout=30_000))["next_batch"]
        ended.append(trio.current_time())

    ended, started = [], trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        await other.call(LogoutAll())
    assert ended[0] - started < 1


# the password


@pytest.mark.parametrize(
    ("auth", "errcode"),
    [
        (None, "M_UNAUTHORIZED"),
        ({"type": "m.login.password"}, "M_UNAUTHORIZED"),
        ({"type": "m.login.dummy", "password": "annpass"}, "M_UNAUTHORIZED"),
        ({"type": "m.login.password", "password": "wrong"}, "M_FORBIDDEN"),
    ],
    ids=str,
)
@pytest.mark.parametrize("what", ["password", "deactivate"])
async def test_proof_is_asked_for(chat, ann, what, auth, errcode):
    request = Deactivate(auth=auth)
    if what == "password":
        request = ChangePassword(new_password="new password", auth=auth)
    with refused(errcode, status=401) as caught:
        await ann.call(request)
    assert caught.value.extra["flows"] == [{"stages": ["m.login.password"]}]
    assert caught.value.extra["session"]
    assert await log_in(chat, user="ann", password="annpass")


async def test_new_password_replaces_the_old(chat, ann):
    await ann.call(ChangePassword(new_password="new password", auth=PROOF))
    assert await log_in(chat, user="ann", password="new password")
    with refused("M_FORBIDDEN"):
        await log_in(chat, user="ann", password="annpass")


@pytest.mark.parametrize("ends", [True, False])
async def test_new_password_ends_other_sessions(chat, bob, ends):
    phone, laptop = await chat.people("ann", "ann")
    request = ChangePassword(
        new_password="new password", auth=PROOF, logout_devices=ends
    )
    await phone.call(request)
    for person in (phone, bob):
        assert await whose(chat, person.token) == person.id
    if ends:
        await is_over(chat, laptop)
    else:
        assert await whose(chat, laptop.token) == laptop.id


async def test_weak_password_is_refused(chat, ann):
    with refused("M_WEAK_PASSWORD"):
        await ann.call(ChangePassword(new_password="short", auth=PROOF))


# closing the account


async def test_closed_account_is_gone(chat, bob):
    phone, laptop = await chat.people("ann", "ann")
    await phone.call(Deactivate(auth=PROOF))
    await is_over(chat, phone, laptop)
    with refused("M_FORBIDDEN"):
        await log_in(chat, user="ann", password="annpass")
    with refused("M_USER_IN_USE"):
        await register(chat, new("ann"))
    with refused("M_NOT_FOUND"):
        await bob.call(GetProfile(user_id=phone.id))
    assert (await bob.call(SearchUsers(search_term="ann"))).results == ()


@pytest.mark.parametrize("erase", [True, False])
async def test_closed_account_loses_its_name_on_request(chat, ann, erase):
    await ann.call(Deactivate(auth=PROOF, erase=erase))
    [user] = await chat.rows("users", user_id=ann.id)
    assert user["display_name"] == (None if erase else "ann")
    assert user["password_hash"] is None


async def test_closed_account_leaves_its_rooms(chat, ann, bob, cat):
    room, asked = await chat.room_of(bob, ann), await bob.create(invite=(ann.id,))
    rule = {"join_rule": "knock"}
    rules = InitialState(type="m.room.join_rules", content=rule)
    knocked = await bob.create(initial_state=(rules,))
    await ann.call(KnockRoom(id_or_alias=knocked))
    kept_out = await bob.create(initial_state=(rules,))
    await bob.call(Ban(room_id=kept_out, user_id=ann.id))
    own = await ann.create()
    await ann.call(Deactivate(auth=PROOF))
    for left in (room, asked, knocked):
        member = await bob.state(left, "m.room.member", ann.id)
        assert member == {"membership": "leave"}
    banned = await bob.state(kept_out, "m.room.member", ann.id)
    assert banned["membership"] == "ban"
    rooms = await chat.engine.store.memberships(ann.id)
    assert {m.membership for m in rooms if m.room_id != kept_out} == {"leave"}
    assert own in {m.room_id for m in rooms}


# tickets


async def test_ticket_is_good_once(chat, ann):
    made = await ann.call(MakeTicket())
    tickets, now_ms = chat.engine.tickets, chat.clock.now_ms()
    assert tickets.redeem(made.ticket, now_ms) == ann.caller
    assert tickets.redeem(made.ticket, now_ms) is None


async def test_ticket_is_good_for_a_while(chat, ann):
    made = await ann.call(MakeTicket())
    late_ms = chat.clock.now_ms() + made.expires_in_ms
    assert chat.engine.tickets.redeem(made.ticket, late_ms) is None


async def test_ticket_ends_with_the_session(chat, ann):
    made = await ann.call(MakeTicket())
    await ann.call(Logout())
    assert chat.engine.tickets.redeem(made.ticket, chat.clock.now_ms()) is None
