"""What the company that asked for the client tries first."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.ui.chat import answer, badge, message, open_chat, order, row, rows, write


@pytest.fixture
def both(people, register):
    """Two people in two windows, for each of whom another chat is at the top."""
    user1, user2 = people("user1"), people("user2")
    user1.api.direct_with(user2.api)
    for user in (user1, user2):
        other = register("other")
        other.say(other.room_with(user.api, name="Elsewhere"), "to the top")
        expect(rows(user.page).first).to_contain_text("Elsewhere")
    return user1, user2


def test_message_lifts_chat_of_other_and_answer_lifts_ours(both):
    user1, user2 = both
    open_chat(user1.page, "User2")
    write(user1.page, "hello")

    expect(rows(user2.page).first).to_contain_text("User1")
    expect(badge(rows(user2.page).first)).to_have_text("1")
    assert order(user1.page) == ["Elsewhere", "User2"]

    open_chat(user1.page, "Elsewhere")
    open_chat(user2.page, "User1")
    expect(badge(row(user2.page, "User1"))).to_have_count(0)
    write(user2.page, "hello yourself")
    expect(rows(user1.page).first).to_contain_text("User2")
    expect(badge(rows(user1.page).first)).to_have_text("1")


def test_own_further_message_moves_nothing(both):
    user1, user2 = both
    open_chat(user1.page, "User2")
    write(user1.page, "one more")
    expect(message(user2.page, "one more")).to_have_count(0)
    expect(badge(row(user2.page, "User1"))).to_have_text("1")
    assert order(user1.page) == ["Elsewhere", "User2"]
    assert badge(row(user1.page, "User2")).count() == 0


def test_swipe_deletes_chat_on_phone(people, register):
    user = people("user", touch=True)
    other = register("other")
    other.direct_with(user.api)
    front = row(user.page, "Other").locator(".front")
    expect(front).to_be_visible()
    swipe(user.page, front, -200)
    answer(user.page, "Delete chat")
    expect(row(user.page, "Other")).to_have_count(0)


def test_button_deletes_chat_on_desktop(people, register):
    user, other = people("user"), register("other")
    other.direct_with(user.api)
    row(user.page, "Other").hover()
    row(user.page, "Other").get_by_role("button", name="Menu of Other").click()
    user.page.get_by_role("menuitem", name="Delete chat").click()
    answer(user.page, "Delete chat")
    expect(row(user.page, "Other")).to_have_count(0)


def swipe(page, where, dx):
    box = where.bounding_box()
    x, y = box["x"] + box["width"] - 40, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)

    def point(kind, *at):
        points = [{"x": at[0], "y": at[1]}] if at else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    point("touchStart", x, y)
    for step in range(1, 11):
        point("touchMove", x + dx * step / 10, y)
    point("touchEnd")
