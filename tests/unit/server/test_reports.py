from __future__ import annotations

import pytest

from chatproto.operations.reports import (
    ListReports,
    ReportEvent,
    ReportRoom,
    ReportUser,
    SettleReport,
)
from tests.unit.server.harness import json_of, refused


@pytest.fixture
async def root(chat):
    return await chat.administrator()


async def listed(root, **fields):
    return json_of(await root.call(ListReports(**fields)))


async def test_reported_event_is_listed_with_copy(chat, ann, bob, root, room):
    said = await ann.say(room, "insult")
    await bob.call(ReportEvent(room_id=room, event_id=said, reason="rude"))
    await ann.redact(room, said)
    (report,) = (await listed(root))["reports"]
    event = report.pop("event")
    assert event["unsigned"] == {"m.relations": {}}
    assert event["content"]["body"] == "insult"
    assert report == {
        "report_id": "1",
        "received_ts": chat.clock.now_ms(),
        "reporter": bob.id,
        "reason": "rude",
        "room_id": room,
        "event_id": said,
        "user_id": ann.id,
    }


async def test_room_and_user_are_listed(ann, bob, root, room):
    await bob.call(ReportRoom(room_id=room, reason="spam"))
    await bob.call(ReportUser(user_id=ann.id, reason=""))
    of_room, of_user = (await listed(root))["reports"]
    assert (of_room["room_id"], of_room["reason"]) == (room, "spam")
    assert (of_user["user_id"], of_user["reason"]) == (ann.id, "")


async def test_room_that_is_not_there_is_answered_alike(ann, root):
    await ann.call(ReportRoom(room_id="!none:example.org", reason="spam"))
    assert (await listed(root)) == {"reports": []}


async def test_user_that_is_not_there_is_refused(ann):
    with refused("M_NOT_FOUND"):
        await ann.call(ReportUser(user_id="@none:example.org", reason="spam"))


async def test_event_out_of_sight_is_refused(ann, bob, cat, root, room):
    said = await ann.say(room)
    await bob.leave(room)
    for person in (bob, cat):
        with refused("M_NOT_FOUND"):
            await person.call(ReportEvent(room_id=room, event_id=said))
    assert (await listed(root)) == {"reports": []}


async def test_long_reason_is_refused(ann, bob):
    with refused("M_TOO_LARGE"):
        await bob.call(ReportUser(user_id=ann.id, reason="x" * 4_001))


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
async def test_pages_hold_every_report_once(ann, bob, root, limit):
    for number in range(5):
        await bob.call(ReportUser(user_id=ann.id, reason=str(number)))
    found, token = [], None
    while True:
        page = await listed(root, from_=token, limit=limit)
        found += [report["reason"] for report in page["reports"]]
        token = page.get("next_batch")
        if token is None:
            break
    assert found == list("01234")


async def test_settled_report_is_gone(ann, bob, root):
    for reason in ("one", "two"):
        await bob.call(ReportUser(user_id=ann.id, reason=reason))
    await root.call(SettleReport(report_id="2"))
    with refused("M_NOT_FOUND"):
        await root.call(SettleReport(report_id="2"))
    await bob.call(ReportUser(user_id=ann.id, reason="three"))
    reports = (await listed(root))["reports"]
    assert [(each["report_id"], each["reason"]) for each in reports] == [
        ("1", "one"),
        ("3", "three"),
    ]


async def test_malformed_token_is_refused(root):
    with refused("M_INVALID_PARAM"):
        await listed(root, from_="x")


@pytest.mark.parametrize("report_id", ["x", "", "-1", "1 or 1", "9" * 30])
async def test_report_that_is_not_there_is_refused(root, report_id):
    with refused("M_NOT_FOUND"):
        await root.call(SettleReport(report_id=report_id))
