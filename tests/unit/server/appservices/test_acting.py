from __future__ import annotations

import pytest
from attrs import evolve

from chatproto.decisions import Decision, Put, Update
from chatproto.operations.accounts import (
    CheckUsername,
    GetLoginFlows,
    Login,
    Register,
    WhoAmI,
)
from chatproto.operations.declare import Rate
from chatproto.operations.rooms import CreateAlias
from chatproto.server.appservices.registration import Namespace, Registration
from chatproto.server.rates import Bucket
from tests.unit.server.harness import ANYBODY, OPERATOR, Person, open_chat, refused

TOKEN = "as-secret"
BRIDGE = Registration(
    id="irc",
    url=None,
    as_token=TOKEN,
    hs_token="hs-secret",
    sender_localpart="ircbot",
    users=(Namespace("@irc_", exclusive=True), Namespace("@shared_")),
    aliases=(Namespace("#irc_", exclusive=True),),
)
GHOST = "@irc_ann:example.org"
APPSERVICE = "m.login.application_service"


@pytest.fixture
async def chat():
    async with open_chat(appservices=(BRIDGE,)) as chat:
        yield chat


async def act(chat, **asserted):
    caller = await chat.engine.authenticate(TOKEN, "", asserted)
    return Person(chat.engine, caller)


async def register(chat, name, **fields):
    request = Register(username=name, type=APPSERVICE, **fields)
    return await (await act(chat)).call(request)


@pytest.fixture
async def ghost(chat):
    await register(chat, "irc_ann", inhibit_login=True)
    return await act(chat, user_id=GHOST)


async def test_sender_is_there_from_the_start(chat):
    bot = await act(chat)
    assert (await bot.call(WhoAmI())).user_id == "@ircbot:example.org"
    await bot.create(name="a room")


async def test_other_token_is_unknown(chat):
    with refused("M_UNKNOWN_TOKEN"):
        await chat.engine.authenticate("as-secre")


async def test_ghost_is_registered_without_session(chat):
    answer = await register(chat, "irc_ann", inhibit_login=True)
    assert (answer.user_id, answer.access_token) == (GHOST, None)


async def test_ghost_is_registered_with_session(chat):
    answer = await register(chat, "irc_ann")
    caller = await chat.engine.authenticate(answer.access_token)
    assert (caller.user_id, caller.appservice) == (GHOST, None)


async def test_ghost_is_registered_once(chat, ghost):
    with refused("M_USER_IN_USE"):
        await register(chat, "irc_ann")


async def test_ghost_acts(chat, ghost):
    assert (await ghost.call(WhoAmI())).user_id == GHOST
    room = await ghost.create()
    await ghost.say(room, "from afar")
    assert await ghost.bodies(room) == ["from afar"]


async def test_repeated_send_is_one_event(chat, ghost):
    room = await ghost.create()
    first = await ghost.send(room, {"msgtype": "m.text", "body": "once"}, txn="1")
    second = await ghost.send(room, {"msgtype": "m.text", "body": "once"}, txn="1")
    assert first == second
    assert await ghost.bodies(room) == ["once"]


@pytest.mark.parametrize(
    ("asserted", "errcode"),
    [
        pytest.param({"user_id": "@ann:example.org"}, "M_FORBIDDEN", id="stranger"),
        pytest.param({"user_id": "@irc_new:example.org"}, "M_FORBIDDEN", id="new"),
        pytest.param({"user_id": "@irc_a:else.org"}, "M_FORBIDDEN", id="elsewhere"),
        pytest.param({"user_id": "irc_ann"}, "M_INVALID_PARAM", id="no ID"),
        pytest.param({"device_id": "NONE"}, "M_UNKNOWN_DEVICE", id="device"),
        pytest.param({"device_id": ""}, "M_INVALID_PARAM", id="no device"),
        pytest.param({"ts": "soon"}, "M_INVALID_PARAM", id="ts"),
        pytest.param({"ts": "9" * 30}, "M_INVALID_PARAM", id="late ts"),
        pytest.param({"ts": "²"}, "M_INVALID_PARAM", id="digit"),
    ],
)
async def test_mask_is_refused(chat, ghost, asserted, errcode):
    await chat.person("ann")
    with refused(errcode):
        await act(chat, **asserted)


@pytest.mark.parametrize("name", ["device_id", "org.matrix.msc3202.device_id"])
async def test_device_of_ghost_is_worn(chat, name):
    await register(chat, "irc_ann", device_id="PUPPET")
    ghost = await act(chat, user_id=GHOST, **{name: "PUPPET"})
    assert (await ghost.call(WhoAmI())).device_id == "PUPPET"


@pytest.mark.parametrize(
    ("change", "errcode"),
    [({"is_locked": 1}, "M_USER_LOCKED"), ({"is_deactivated": 1}, "M_FORBIDDEN")],
)
async def test_ended_ghost_acts_no_more(chat, ghost, change, errcode):
    update = Update(table="users", where={"user_id": GHOST}, set=change)
    await chat.engine.commit(OPERATOR, Decision(writes=(update,)))
    with refused(errcode):
        await act(chat, user_id=GHOST)


async def test_message_is_as_old_as_told(chat, ghost):
    room = await ghost.create()
    old = Person(chat.engine, evolve(ghost.caller, sent_ts=12_345))
    await old.send(room, {"msgtype": "m.text", "body": "long ago"}, txn="old")
    await ghost.say(room, "now")
    chunk = (await ghost.history(room, dir="f")).chunk
    assert chunk[-2]["origin_server_ts"] == 12_345
    assert chunk[-1]["origin_server_ts"] == chat.clock.now_ms()


async def test_others_do_not_take_its_names(chat):
    ann = await chat.person("ann")
    room = await ann.create()
    with refused("M_EXCLUSIVE"):
        await ann.call(CreateAlias(room_alias="#irc_x:example.org", room_id=room))
    with refused("M_EXCLUSIVE"):
        await ann.create(room_alias_name="irc_x")
    await ann.call(CreateAlias(room_alias="#free:example.org", room_id=room))


@pytest.mark.parametrize("name", ["irc_new", "IRC_New", "ircbot"])
async def test_others_do_not_register_its_users(chat, name):
    with refused("M_EXCLUSIVE"):
        await chat.engine.call(ANYBODY, Register(username=name, password="password"))
    with refused("M_EXCLUSIVE"):
        await chat.engine.call(ANYBODY, CheckUsername(username=name))


async def test_namespace_that_is_shared_is_free(chat):
    free = await chat.engine.call(ANYBODY, CheckUsername(username="shared_x"))
    assert free.available


async def test_own_alias_is_made(chat, ghost):
    room = await ghost.create(room_alias_name="irc_room")
    await ghost.call(CreateAlias(room_alias="#irc_two:example.org", room_id=room))


async def test_name_outside_is_not_registered(chat):
    with refused("M_EXCLUSIVE"):
        await register(chat, "ann")


async def test_nobody_else_registers_like_this(chat):
    with refused("M_FORBIDDEN"):
        await chat.engine.call(ANYBODY, Register(username="free", type=APPSERVICE))


async def test_ghost_needs_a_name(chat):
    with refused("M_MISSING_PARAM"):
        await register(chat, None)


async def test_ghost_logs_in(chat, ghost):
    bot = await act(chat)
    answer = await bot.call(Login(type=APPSERVICE, user="irc_ann", device_id="X"))
    caller = await chat.engine.authenticate(answer.access_token)
    assert (caller.user_id, caller.device_id) == (GHOST, "X")


@pytest.mark.parametrize(
    ("name", "errcode"), [("ann", "M_EXCLUSIVE"), ("irc_no", "M_FORBIDDEN")]
)
async def test_other_user_is_not_logged_in(chat, name, errcode):
    await chat.person("ann")
    bot = await act(chat)
    with refused(errcode):
        await bot.call(Login(type=APPSERVICE, user=name))


async def test_nobody_else_logs_in_like_this(chat, ghost):
    with refused("M_FORBIDDEN"):
        await chat.engine.call(ANYBODY, Login(type=APPSERVICE, user="irc_ann"))


async def test_flow_is_listed_where_there_are_bridges(chat):
    flows = (await chat.engine.call(ANYBODY, GetLoginFlows())).flows
    assert APPSERVICE in [flow.type for flow in flows]


@pytest.mark.parametrize(
    ("rate_limited", "who", "limited"),
    [
        pytest.param(True, GHOST, True, id="ghost"),
        pytest.param(True, "@ircbot:example.org", False, id="sender"),
        pytest.param(False, GHOST, False, id="lifted"),
    ],
)
async def test_rate_limit(rate_limited, who, limited):
    bridge = evolve(BRIDGE, rate_limited=rate_limited)
    rates = {rate: Bucket(1, 1) for rate in Rate}
    async with open_chat(appservices=(bridge,), rates=rates) as chat:
        row = {"user_id": GHOST, "localpart": "irc_ann", "created_ts": 0}
        await chat.engine.commit(
            OPERATOR, Decision(writes=(Put(table="users", row=row),))
        )
        ghost = await act(chat, user_id=who)
        await ghost.call(WhoAmI())
        if limited:
            with refused("M_LIMIT_EXCEEDED"):
                await ghost.call(WhoAmI())
        else:
            await ghost.call(WhoAmI())


async def test_user_id_of_others_is_ignored(chat):
    ann = await chat.person("ann")
    caller = await chat.engine.authenticate(ann.token, "", {"user_id": "nonsense"})
    assert caller.user_id == ann.id
