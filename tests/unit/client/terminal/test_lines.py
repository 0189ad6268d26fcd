from __future__ import annotations

import time

import pytest
import trio

from chatproto.client.terminal.lines import chat_by_lines, line_of
from tests.unit.client.terminal.scene import ANN, ROOM, event, state, text

EDIT = {
    **text("* new"),
    "m.new_content": text("new"),
    "m.relates_to": {"rel_type": "m.replace", "event_id": "$4"},
}


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (event(5, ANN, text("hello\x1b[2J\nthere")), "Ann: hello[2J there"),
        (event(5, ANN, EDIT), "Ann: new (edited)"),
        (event(5, ANN, {"topic": "x"}, "m.room.topic", state_key=""), None),
        (event(5, ANN, {}), "Ann: "),
    ],
    ids=["text", "edit", "no message", "empty"],
)
def test_event_is_one_line(shown, line):
    clock = time.strftime("%H:%M", time.localtime(0))
    found = line_of(state().rooms[ROOM], shown)
    assert found == (None if line is None else f"{clock} {line}")


async def test_lines_are_sent_and_written(net):
    typed = ["hello\n", "\n", "  indented\n", ""]
    written = []
    async with net.connect("boris") as boris, net.room(boris) as (anna, room):

        async def answer():
            async for event in boris.events():
                if event["type"] == "m.room.message":
                    handle = await boris.room(room.room_id)
                    await handle.send_text(f"heard {event['content']['body']}")

        def read():
            return typed.pop(0)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            await chat_by_lines(anna, room.room_id, read=read, write=written.append)
            nursery.cancel_scope.cancel()
        items = anna.state.items(room.room_id)
    bodies = [i.content["body"] for i in items if i.type == "m.room.message"]
    assert [b for b in bodies if not b.startswith("heard")] == ["hello", "  indented"]
    assert all("boris: heard" in line for line in written)
