from __future__ import annotations

import pytest
import trio
from attrs import define
from trio.testing import wait_all_tasks_blocked

from chatproto.client import connect
from chatproto.client.session import Disconnected, Unsent
from chatproto.client.tokens import Tokens
from chatproto.errors import LocalError, MatrixError, RemoteError
from chatproto.ids import RoomId
from chatproto.operations.accounts import LOGIN, LOGOUT_ALL, Login, LogoutAll, WhoAmI
from chatproto.operations.declare import Rate
from chatproto.operations.receipts import SetTyping
from chatproto.operations.rooms import CreateRoom, JoinRoom
from chatproto.server.rates import DEFAULT_RATES, Bucket
from chatproto.sync.changes import OutboxChanged, TypingChanged
from chatproto.testing import Faults, MemoryTransport, TrioClock, open_engine
from chatproto.wire.websocket import Encoded


def bodies(session, room):
    """What a session shows of a room: the texts, in order."""
    items = session.state.items(room.room_id)
    return [i.content.get("body") for i in items if i.type == "m.room.message"]


async def say_all(nursery, room, texts):
    """Begin to send, one after the other, without waiting for answers."""
    for text in texts:
        nursery.start_soon(room.send_text, text)
        await wait_all_tasks_blocked()


# calls


async def test_call_waits_for_connection(net):
    way = net.transport()
    async with net.connect("anna", way) as anna:
        way.go_down()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(anna.call, WhoAmI())
            await trio.sleep(100)
            assert not anna.is_connected
            way.is_up = True
        assert anna.is_connected


async def test_refused_call_is_told(net):
    async with net.connect("anna") as anna:
        with pytest.raises(MatrixError, match="M_"):
            await (await anna.room("!none:example.org")).leave()
        with pytest.raises(MatrixError, match="M_NOT_FOUND"):
            await anna.room("#none:example.org")


async def test_call_cut_off_says_that_it_may_have_happened(net):
    way = net.transport()
    async with net.connect("anna", way) as anna:
        way.cut_before = lambda json: "re" in json
        with pytest.raises(Disconnected, match="lost before the answer"):
            await anna.call(CreateRoom(name="Lunch"))
        await anna.call(WhoAmI())
        await wait_all_tasks_blocked()
        assert [room.name for room in anna.state.rooms.values()] == ["Lunch"]


async def test_call_after_the_end_does_not_hang(net):
    async with net.connect("anna") as anna:
        pass
    with pytest.raises(Disconnected, match="has ended"):
        await anna.call(WhoAmI())


# sending


async def test_sent_message_is_shown_and_known(net):
    async with net.room() as (anna, room):
        event_id = await room.send_text("hello")
        await wait_all_tasks_blocked()
        item = anna.state.items(room.room_id)[-1]
        assert (item.event_id, item.status) == (event_id, None)


async def test_messages_sent_offline_go_out_in_order(net):
    way = net.transport()
    texts = [f"text {number}" for number in range(8)]
    async with net.connect("boris") as boris, net.room(boris) as (_, room):
        async with net.connect("anna", way) as anna, trio.open_nursery() as nursery:
            way.go_down()
            await say_all(nursery, await anna.room(room.room_id), texts)
            shown = anna.state.items(room.room_id)[-8:]
            assert [item.status for item in shown] == ["waiting"] * 8
            await trio.sleep(300)
            way.is_up = True
        assert bodies(boris, room) == texts


@pytest.mark.parametrize("lost", ["do", "re"])
async def test_message_cut_off_is_stored_once(net, lost):
    way = net.transport()
    async with net.connect("boris") as boris, net.room(boris) as (_, room):
        async with net.connect("anna", way) as anna:
            way.cut_before = lambda json: lost in json
            await (await anna.room(room.room_id)).send_text("once")
        assert bodies(boris, room) == ["once"]


async def test_same_transaction_sends_once(net):
    async with net.room() as (anna, room):
        first = await room.send_text("deployed", txn="deploy-42")
        assert await room.send_text("deployed", txn="deploy-42") == first
        await wait_all_tasks_blocked()
        assert bodies(anna, room) == ["deployed"]


async def test_same_transaction_waits_for_the_one_on_its_way(net):
    way = net.transport()
    async with net.connect("anna", way) as anna:
        made = await anna.call(CreateRoom())
        room, given = await anna.room(made.room_id), []

        async def send():
            given.append(await room.send_text("deployed", txn="deploy-42"))

        way.go_down()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            nursery.start_soon(send)
            await trio.sleep(1)
            way.is_up = True
        assert given[0] == given[1]


async def test_refused_message_can_be_retried_or_dropped(net):
    async with net.room() as (anna, room):
        nowhere = await anna.room("!none:example.org")
        with pytest.raises(MatrixError):
            await nowhere.send_text("hello", txn="t1")
        (failed,) = anna.state.outbox.entries()
        assert (failed.txn_id, failed.status) == ("t1", "failed")
        await room.send_text("others are not held up")
        anna.retry(failed.txn_id)
        await wait_all_tasks_blocked()
        assert anna.state.outbox.entries()[0].status == "failed"
        anna.cancel(failed.txn_id)
        assert not anna.state.outbox.entries()


async def test_message_too_fast_is_sent_later(autojump_clock):
    clock = TrioClock()
    rates = {**DEFAULT_RATES, Rate.MESSAGE: Bucket(burst=2, per_second=0.1)}
    async with (
        open_engine("anna", clock=clock, rates=rates) as engine,
        connect(
            "memory:",
            user="anna",
            password="annapass",
            transport=MemoryTransport(engine),
            now_ms=clock.now_ms,
        ) as anna,
    ):
        made = await anna.call(CreateRoom())
        room = await anna.room(made.room_id)
        before = trio.current_time()
        for number in range(4):
            await room.send_text(str(number))
        await wait_all_tasks_blocked()
        assert trio.current_time() - before >= 10
        assert bodies(anna, room) == ["0", "1", "2", "3"]


async def test_message_taken_back_is_not_sent(net):
    way = net.transport()
    async with net.connect("anna", way) as anna:
        room = await anna.room((await anna.call(CreateRoom())).room_id)
        way.go_down()
        with pytest.RaisesGroup(Unsent):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(room.send_text, "oops")
                await wait_all_tasks_blocked()
                (entry,) = anna.state.outbox.entries()
                assert await anna.redact(room.room_id, entry.txn_id) is None
        way.is_up = True
        await room.send_text("better")
        assert bodies(anna, room) == ["better"]


async def test_waiting_message_is_edited_where_it_waits(net):
    way = net.transport()
    async with net.connect("anna", way) as anna:
        room = await anna.room((await anna.call(CreateRoom())).room_id)
        way.go_down()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(room.send_text, "helo")
            await wait_all_tasks_blocked()
            (entry,) = anna.state.outbox.entries()
            content = {"msgtype": "m.text", "body": "hello"}
            nursery.start_soon(anna.edit, room.room_id, entry.txn_id, content)
            await wait_all_tasks_blocked()
            way.is_up = True
        (item,) = [
            i for i in anna.state.items(room.room_id) if i.type == "m.room.message"
        ]
        assert (item.content["body"], item.edited) == ("hello", False)


async def test_flush_waits_until_all_is_sent(net):
    way = net.transport()
    async with net.connect("anna", way) as anna:
        room = await anna.room((await anna.call(CreateRoom())).room_id)
        way.go_down()
        async with trio.open_nursery() as nursery:
            await say_all(nursery, room, ["one", "two"])
            with trio.move_on_after(60) as offline:
                await anna.flush()
            assert offline.cancelled_caught
            way.is_up = True
            await anna.flush()
            assert bodies(anna, room) == ["one", "two"]
    await anna.flush()


# the outbox on the disk


async def test_outbox_survives_restart(net, tmp_path):
    way, file = net.transport(), tmp_path / "outbox"
    texts = ["one", "two", "three"]
    async with net.connect("boris") as boris, net.room(boris) as (_, room):
        async with net.connect("anna", way, outbox=file) as anna:
            way.go_down()
            async with trio.open_nursery() as nursery:
                await say_all(nursery, await anna.room(room.room_id), texts)
                nursery.cancel_scope.cancel()  # the program ends
        assert bodies(boris, room) == []
        async with net.connect("anna", outbox=file) as anna:
            await anna.flush()
            await wait_all_tasks_blocked()
            assert bodies(anna, room) == texts
        assert bodies(boris, room) == texts


async def test_restart_repeats_nothing_that_was_stored(net, tmp_path):
    way, file = net.transport(), tmp_path / "outbox"
    async with net.connect("boris") as boris, net.room(boris) as (_, room):
        async with net.connect("anna", way, outbox=file) as anna:
            way.cut_before = lambda json: "re" in json
            async with trio.open_nursery() as nursery:
                await say_all(nursery, await anna.room(room.room_id), ["once"])
                way.is_up = False
                nursery.cancel_scope.cancel()  # the program ends
        assert bodies(boris, room) == ["once"]
        async with net.connect("anna", outbox=file) as anna:
            await anna.flush()
        assert bodies(boris, room) == ["once"]


async def test_outbox_of_somebody_else_is_refused(net, tmp_path):
    way, file = net.transport(), tmp_path / "outbox"
    async with net.connect("anna", way, outbox=file) as anna:
        way.go_down()
        async with trio.open_nursery() as nursery:
            await say_all(nursery, await anna.room("!r:x"), ["secret"])
            nursery.cancel_scope.cancel()
    with pytest.raises(LocalError, match="holds messages of @anna"):
        async with net.connect("boris", outbox=file):
            pass


# the connection


async def test_state_goes_on_after_reconnect(net):
    way = net.transport()
    async with net.connect("anna", way) as anna, net.connect("boris") as boris:
        room = await anna.room(
            (await anna.call(CreateRoom(preset="public_chat"))).room_id
        )
        theirs = await boris.room(room.room_id)
        await boris.call(JoinRoom(room_id=room.room_id))
        for text in ("one", "two", "three"):
            way.cut()
            await theirs.send_text(text)
        await trio.sleep(60)
        assert bodies(anna, room) == ["one", "two", "three"]
        assert anna.state.picture()["rooms"] == (await _fresh(net, "anna"))["rooms"]


async def _fresh(net, user):
    async with net.connect(user) as session:
        return session.state.picture()


@pytest.mark.parametrize("seed", range(6))
async def test_bad_lines_lose_and_repeat_nothing(net, seed):
    faults = Faults(split=50, delay_ms=200, drop=0.002)
    to, back = (net.transport(faults=faults, seed=s) for s in (seed, seed + 100))
    texts = [f"text {number}" for number in range(60)]
    async with net.connect("boris", back) as boris, net.room(boris) as (_, room):
        events = boris.subscribe()
        async with net.connect("anna", to) as anna:
            theirs = await anna.room(room.room_id)
            for text in texts:
                await theirs.send_text(text)
        await trio.sleep(300)
        assert to.connected + back.connected > 4
        assert bodies(boris, room) == texts
        told = [await events.receive() for _ in range(len(texts) + 1)]
        assert told[0]["state_key"] == boris.user_id  # it heard itself come in
        assert [event["content"]["body"] for event in told[1:]] == texts


async def test_old_events_are_forgotten_if_asked_for(net):
    async with (
        net.connect("boris", keep_events=30) as boris,
        net.room(boris) as (anna, room),
    ):
        events = boris.subscribe()
        for number in range(200):
            await room.send_text(f"text {number}")
        await wait_all_tasks_blocked()
        theirs = await boris.room(room.room_id)
        assert 30 <= len(theirs.state.timeline) <= 60
        assert theirs.state.notification_count == 200
        assert len([events.receive_nowait() for _ in range(200)]) == 200
        while await theirs.load_history():
            pass
        assert bodies(boris, room) == bodies(anna, room)


async def test_stopped_server_is_come_back_to(net):
    way = net.transport()
    async with net.connect("anna", way) as anna:
        way.say_goodbye(1012, "a new version", "resume")
        before = trio.current_time()
        await anna.call(WhoAmI())
        assert trio.current_time() - before < 1
        assert way.connected == 2


async def test_server_that_asks_for_time_gets_it(net):
    way = net.transport()
    async with net.connect("anna", way) as anna:
        way.say_goodbye(4429, "too fast", "back-off", after_ms=20_000)
        before = trio.current_time()
        await anna.call(WhoAmI())
        assert 20 <= trio.current_time() - before < 21


async def test_session_is_over_when_logged_out_elsewhere(net):
    with pytest.raises(MatrixError, match="M_UNKNOWN_TOKEN: logged out"):
        async with net.connect("anna"):
            await log_out_everywhere(net)
            await trio.sleep_forever()


async def log_out_everywhere(net):
    way = net.transport()
    answer = await way.call(LOGIN, Login(user="anna", password="annapass"), None)
    await way.call(LOGOUT_ALL, LogoutAll(), answer.access_token)


async def test_session_ends_when_client_is_not_wanted(net):
    way = net.transport()
    with pytest.raises(Disconnected, match="no more of this client: you are broken"):
        async with net.connect("anna", way) as anna:
            way.say_goodbye(4400, "you are broken", "nothing")
            await trio.sleep_forever()
    assert not anna.is_connected


async def test_server_that_breaks_protocol_ends_session(net):
    way = net.transport()
    with pytest.raises(RemoteError, match="a server sends no Hello"):
        async with net.connect("anna", way):
            (socket,) = way._open
            socket.to_client_soon(Encoded.of(b'{"hello":{"token":"t"}}'))
            socket.flush()
            await trio.sleep_forever()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"token": "wrong"}, "M_UNKNOWN_TOKEN: the access token is not known"),
        ({"password": "wrongpass"}, "M_FORBIDDEN"),
    ],
    ids=["token", "password"],
)
async def test_wrong_secret_ends_with_clear_error(net, given, why):
    with pytest.raises(MatrixError, match=why):
        async with net.connect("anna", **given):
            pass


async def test_nothing_to_log_in_with_is_a_mistake(net):
    with pytest.raises(LocalError, match="needs a token, or a user and a password"):
        async with net.connect(None):
            pass


async def test_server_that_is_not_there_is_told(net):
    way = net.transport(is_up=False)
    with pytest.raises(Disconnected, match="no network"):
        async with net.connect("anna", way):
            pass


async def test_error_of_block_comes_out_as_it_is(net):
    with pytest.raises(ZeroDivisionError):
        async with net.connect("anna"):
            raise ZeroDivisionError


# tokens that run out


@define(eq=False)
class Store:
    tokens: Tokens | None = None
    saved: int = 0

    def load(self):
        return self.tokens

    def save(self, tokens):
        self.tokens, self.saved = tokens, self.saved + 1


async def test_log_in_is_kept_and_used_again(net):
    store = Store()
    async with net.connect("anna", tokens=store) as anna:
        device = anna.device_id
    assert store.tokens.refresh
    async with net.connect(None, tokens=store) as anna:
        assert anna.device_id == device


async def test_token_is_replaced_before_it_ends(net):
    store, way = Store(), net.transport()
    async with net.connect("anna", way, tokens=store) as anna:
        refused = []
        way.cut_before = lambda json: refused.append(json) if "err" in json else False
        for _ in range(30):
            await trio.sleep(600)
            await anna.call(WhoAmI())
        assert refused == []
        assert store.saved == 1 + 5  # five hours, each with a minute to spare
        assert store.tokens.access


async def test_expired_token_is_replaced_once_for_all(net):
    store = Store()
    async with net.connect("anna", tokens=store):
        pass
    store.tokens = Tokens(access=store.tokens.access, refresh=store.tokens.refresh)
    async with net.connect(None, tokens=store) as anna:
        room = await anna.room((await anna.call(CreateRoom())).room_id)
        await trio.sleep(4000)
        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(anna.call, WhoAmI())
                nursery.start_soon(room.send_text, f"text {number}")
        assert sorted(bodies(anna, room)) == [f"text {n}" for n in range(5)]
        assert store.saved == 2


async def test_token_that_ended_offline_is_replaced(net):
    store, way = Store(), net.transport()
    async with net.connect("anna", way, tokens=store) as anna:
        way.go_down()
        await trio.sleep(10_000)
        way.is_up = True
        await anna.call(WhoAmI())
        assert store.saved == 2


async def test_expired_token_is_replaced_to_begin_with(net):
    store = Store()
    async with net.connect("anna", tokens=store):
        pass
    await trio.sleep(10_000)
    async with net.connect(None, tokens=store) as anna:
        await anna.call(WhoAmI())


async def test_log_in_ended_meanwhile_ends_session(net):
    store, way = Store(), net.transport()
    with pytest.raises(MatrixError, match="refresh token is not known"):
        async with net.connect("anna", way, tokens=store):
            way.go_down()
            await log_out_everywhere(net)
            way.is_up = True
            await trio.sleep_forever()


async def test_token_replaced_by_another_program_is_taken_over(net):
    store, way = Store(), net.transport()
    async with (
        net.connect("anna", way, tokens=store) as first,
        net.connect(None, tokens=store) as second,
    ):
        await trio.sleep(20_000)
        assert (await first.call(WhoAmI())).user_id == "@anna:example.org"
        assert (await second.call(WhoAmI())).user_id == "@anna:example.org"


async def test_password_gives_token_without_end_by_default(net):
    way = net.transport()
    answer = await way.call(LOGIN, Login(user="anna", password="annapass"), None)
    assert answer.expires_in_ms is None
    async with net.connect("anna", way) as anna:
        await trio.sleep(80_000)
        await anna.call(WhoAmI())


# news


async def test_changes_are_told_step_by_step(net):
    async with net.room() as (anna, room):
        changes = anna.changes()
        await room.send_text("hello", txn="t1")
        assert await changes.receive() == (OutboxChanged(room.room_id, "t1"),)


async def test_typing_ends_by_itself(net):
    async with net.connect("boris") as boris, net.room(boris) as (anna, room):
        changes = anna.changes()
        request = SetTyping(
            room_id=room.room_id, user_id=boris.user_id, typing=True, timeout=4000
        )
        await boris.call(request)
        told = []
        with trio.move_on_after(120):
            async for step in changes:
                told += [c for c in step if isinstance(c, TypingChanged)]
        assert [change.user_ids for change in told] == [(boris.user_id,), ()]


async def test_room_by_id_needs_no_question(net):
    async with net.connect("anna") as anna:
        room = await anna.room("!any:example.org")
        assert room.room_id == RoomId("!any:example.org")
        assert room.state is None
