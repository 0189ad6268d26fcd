from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio
from chatproto_polls import MODULE
from chatproto_polls.operations import CastVote, StartPoll
from chatproto_polls.tally import counts
from trio.testing import wait_all_tasks_blocked

from chatproto.client.modules import operations_with, policy_with, reducers_of
from chatproto.operations.rooms import CreateRoom, JoinRoom
from chatproto.operations.table import OPERATIONS
from chatproto.sync.changes import ExtensionChanged
from chatproto.sync.policy import DEFAULT_POLICY
from chatproto.sync.reducers import Reducer
from chatproto.testing import TrioClock, open_engine
from tests.unit.client.harness import Net


@asynccontextmanager
async def lunch(**options):
    """A poll that anna has started in a room with boris."""
    clock = TrioClock()
    users = ("anna", "boris")
    async with open_engine(*users, modules=(MODULE,), clock=clock) as engine:
        net = Net(engine, clock)
        async with (
            net.connect("anna", **options) as anna,
            net.connect("boris", **options) as boris,
        ):
            made = await anna.call(CreateRoom(preset="public_chat"))
            await boris.call(JoinRoom(room_id=made.room_id))
            await wait_all_tasks_blocked()
            yield anna, boris, made.room_id


async def start(session, room_id):
    request = StartPoll(
        room_id=room_id, txn_id="t1", question="Lunch?", options=("soup", "salad")
    )
    return (await session.call(request)).poll


async def test_reducers_of_modules_see_the_room(autojump_clock):
    async with lunch(modules=(MODULE,)) as (anna, boris, room_id):
        changes = anna.changes()
        poll = await start(anna, room_id)
        vote = CastVote(room_id=room_id, poll=poll, txn_id="t2", option=1)
        await boris.call(vote)
        await wait_all_tasks_blocked()
        for session in (anna, boris):
            tally = session.state.rooms[room_id].extensions["polls"]
            assert counts(tally[poll]) == [0, 1]
        told = [change for step in _now(changes) for change in step]
        assert ExtensionChanged(room_id, "polls") in told


def _now(channel):
    try:
        while True:
            yield channel.receive_nowait()
    except trio.WouldBlock:
        return


async def test_events_of_modules_lift_and_count(autojump_clock):
    async with lunch(modules=(MODULE,)) as (anna, boris, room_id):
        await start(anna, room_id)
        await wait_all_tasks_blocked()
        assert boris.state.rooms[room_id].notification_count == 1


async def test_reducer_can_be_given_alone(autojump_clock):
    reducer = Reducer(
        name="words",
        event_types=("m.room.message",),
        initial=0,
        fold=lambda count, event: count + len(event["content"]["body"].split()),
    )
    async with lunch(reducers=(reducer,)) as (anna, _, room_id):
        await (await anna.room(room_id)).send_text("one two three")
        assert anna.state.rooms[room_id].extensions["words"] == 3


def test_operations_of_modules_are_added_once():
    table = operations_with(OPERATIONS, (MODULE,))
    assert len(table) == len(OPERATIONS) + 3
    assert len(operations_with(table, (MODULE,))) == len(table)


def test_without_modules_the_policy_is_the_default():
    assert policy_with(()) == DEFAULT_POLICY


@pytest.mark.parametrize("given", [((MODULE,), ()), ((), MODULE.reducers)])
def test_reducers_are_those_of_the_state(given):
    (reducer,) = reducers_of(*given)
    assert isinstance(reducer, Reducer)
    assert (reducer.name, len(reducer.event_types)) == ("polls", 3)
