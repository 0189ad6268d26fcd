"""The seed test at protocol level: real sockets, a real server, the shared sync logic."""

from __future__ import annotations

import time

import trio

from chatproto.sync.chat_list import order
from chatproto.sync.store import ClientState


class Window:
    """What one of the two sees: the state folded from the frames of the socket."""

    def __init__(self, client) -> None:
        self.client = client
        self.state = ClientState(user_id=client.user_id)
        self.event = trio.Event()

    async def open(self, nursery) -> None:
        await self.client.connect(nursery)
        await self.until(self.order)

    async def until(self, seen) -> None:
        """Fold frames until something is seen."""
        with trio.fail_after(10):
            while not seen():
                self.fold(await self.client.receive())

    def fold(self, frame) -> None:
        if "at" in frame or "push" in frame:
            self.state.apply_frame(frame, int(time.time() * 1000))

    async def say(self, room_id: str, text: str, txn: str) -> None:
        """Send, and fold what comes back of it, one's own message included."""
        sent = await self.client.say(room_id, text, txn)
        self.fold_kept()
        await self.until(lambda: self.state.rooms[room_id].timeline.has(self.seq(sent)))

    def seq(self, sent) -> int:
        return sent["org.chatproto.seq"]

    async def read(self, room_id: str) -> None:
        event_id = self.state.rooms[room_id].timeline.events()[-1]["event_id"]
        answer = await self.client.call(
            "receipt.send",
            room_id=room_id,
            receipt_type="m.read",
            event_id=event_id,
        )
        assert "ok" in answer
        self.fold_kept()
        await self.until(lambda: self.unread(room_id) == 0)

    def fold_kept(self) -> None:
        while self.client.pushes:
            self.fold(self.client.pushes.popleft())

    def order(self) -> list[str]:
        return order(self.state.rooms.values())

    def unread(self, room_id: str) -> int:
        return self.state.rooms[room_id].notification_count

    def place(self, room_id: str) -> int:
        return self.order().index(room_id)


async def test_chats_rise_only_by_others_messages(direct, nursery):
    anna, boris, room_id = direct
    one, two = Window(anna), Window(boris)
    await one.open(nursery)
    await two.open(nursery)
    other = next(r for r in two.order() if r != room_id)
    await one.say(other, "so that another chat is on top", "t0")
    await two.until(lambda: two.place(other) == 0)
    before = one.place(room_id), one.order()

    await one.say(room_id, "hello", "t1")
    await two.until(lambda: two.unread(room_id) == 1)
    assert two.place(room_id) == 0
    assert (one.place(room_id), one.order()) == before

    await two.read(room_id)
    assert two.unread(room_id) == 0
    listed = two.order()
    await two.say(room_id, "hello back", "t2")
    assert two.order() == listed
    await one.until(lambda: one.unread(room_id) == 1)
    assert one.place(room_id) == 0

    listed = one.order()
    await one.read(room_id)
    await one.say(room_id, "and once more", "t3")
    assert one.order() == listed
    assert one.unread(room_id) == 0
