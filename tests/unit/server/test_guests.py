from __future__ import annotations

import pytest

from chatproto.operations.accounts import MakeTicket, Register, WhoAmI
from chatproto.operations.messages import GetState
from chatproto.operations.profiles import SetDisplayName
from chatproto.operations.rooms import (
    CreateRoom,
    Invite,
    JoinByIdOrAlias,
    ListPublicRooms,
)
from chatproto.server.guests import may_be_guest
from tests.unit.server.harness import ANYBODY, Person, open_chat, refused


@pytest.fixture
async def chat():
    async with open_chat(guests=True) as chat:
        yield chat


@pytest.fixture
async def guest(chat):
    return await new_guest(chat)


async def new_guest(chat, **fields):
    session = await chat.engine.call(ANYBODY, Register(kind="guest", **fields))
    caller = await chat.engine.authenticate(session.access_token)
    return Person(chat.engine, caller)


@pytest.fixture
async def open_room(ann):
    """A public room that lets guests in."""
    room = await ann.create(preset="public_chat")
    await ann.set_state(room, "m.room.guest_access", {"guest_access": "can_join"})
    return room


async def test_guest_gets_a_session_without_any_stage(chat):
    given = {"username": "ann", "device_id": "MINE", "inhibit_login": True}
    guest = await new_guest(chat, **given, initial_device_display_name="Kiosk")
    assert may_be_guest(guest.id)
    assert guest.caller.device_id not in (None, "MINE")
    assert (await guest.call(WhoAmI())).is_guest
    [device] = await chat.rows("devices", user_id=guest.id)
    assert device["display_name"] == "Kiosk"


async def test_account_is_no_guest(ann):
    assert not (await ann.call(WhoAmI())).is_guest


async def test_no_guests_unless_set():
    async with open_chat() as chat:
        with refused("M_FORBIDDEN", 403):
            await new_guest(chat)


async def test_unknown_kind_is_refused(chat):
    with refused("M_INVALID_PARAM"):
        await chat.engine.call(ANYBODY, Register(kind="friend"))


async def test_guest_talks_where_guests_are_let_in(guest, ann, open_room):
    await guest.join(open_room)
    await guest.say(open_room, "hello from outside")
    assert await ann.bodies(open_room) == ["hello from outside"]
    await guest.leave(open_room)


@pytest.mark.parametrize("content", [{}, {"guest_access": "forbidden"}])
async def test_room_without_guests_stays_closed(guest, ann, content):
    rules = {"guest_access": "forbidden", **content}
    room = await ann.create(preset="public_chat")
    await ann.set_state(room, "m.room.guest_access", rules)
    with refused("M_GUEST_ACCESS_FORBIDDEN", 403):
        await guest.join(room)
    with refused("M_GUEST_ACCESS_FORBIDDEN", 403):
        await guest.call(JoinByIdOrAlias(id_or_alias=room))
    with refused("M_GUEST_ACCESS_FORBIDDEN", 403):
        await guest.set_state(room, "m.room.member", {"membership": "join"}, guest.id)


async def test_invitation_does_not_open_a_room_to_guests(guest, ann):
    room = await ann.create()
    await ann.set_state(room, "m.room.guest_access", {"guest_access": "forbidden"})
    await ann.invite(room, guest)
    with refused("M_GUEST_ACCESS_FORBIDDEN"):
        await guest.join(room)


async def test_guests_leave_when_the_room_closes(chat, guest, ann, bob, open_room):
    another, visitor = await new_guest(chat), await new_guest(chat)
    for person in (guest, another, visitor, bob):
        await person.join(open_room)
    await visitor.leave(open_room)
    forbidden = {"guest_access": "forbidden"}
    changed = await ann.set_state(open_room, "m.room.guest_access", forbidden)
    assert (await ann.history(open_room)).chunk[0]["event_id"] == changed
    for person, wanted in ((guest, "leave"), (another, "leave"), (bob, "join")):
        member = await ann.state(open_room, "m.room.member", person.id)
        assert member["membership"] == wanted
    with refused("M_FORBIDDEN"):
        await guest.say(open_room)


async def test_guests_stay_while_they_are_let_in(guest, ann, open_room):
    await guest.join(open_room)
    again = {"guest_access": "can_join", "org.example.x": 1}
    await ann.set_state(open_room, "m.room.guest_access", again)
    await guest.say(open_room)


async def test_member_cannot_put_guests_out(guest, ann, bob, open_room):
    await guest.join(open_room)
    await bob.join(open_room)
    forbidden = {"guest_access": "forbidden"}
    with refused("M_FORBIDDEN"):
        await bob.set_state(open_room, "m.room.guest_access", forbidden)
    await guest.say(open_room)


@pytest.mark.parametrize(
    "request_of",
    [
        pytest.param(lambda g: CreateRoom(), id="create"),
        pytest.param(
            lambda g: Invite(room_id="!a:example.org", user_id="@b:example.org"),
            id="invite",
        ),
    ],
)
async def test_guest_makes_no_rooms(guest, request_of):
    with refused("M_GUEST_ACCESS_FORBIDDEN", 403):
        await guest.call(request_of(guest))


async def test_guest_names_itself_and_looks_around(guest, ann, open_room):
    await guest.call(SetDisplayName(user_id=guest.id, displayname="Visitor"))
    await guest.join(open_room)
    member = await ann.state(open_room, "m.room.member", guest.id)
    assert member["displayname"] == "Visitor"
    await guest.call(ListPublicRooms())
    await guest.call(GetState(room_id=open_room, event_type="m.room.create"))


async def test_ticket_of_a_guest_is_a_guests(chat, guest):
    ticket = (await guest.call(MakeTicket())).ticket
    caller = chat.engine.tickets.redeem(ticket, chat.clock.now_ms())
    assert caller.is_guest
