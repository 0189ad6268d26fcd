"""What people see of their chats, and what they do there: the words of browser tests."""

from __future__ import annotations

from collections.abc import Sequence

from playwright.sync_api import Locator, Page, expect

# As long as news may take to be seen.
SOON_MS = 300


def rows(page: Page) -> Locator:
    """The chats of the list, the first first."""
    return page.locator("cp-chat-row")


def row(page: Page, name: str) -> Locator:
    return rows(page).filter(has_text=name)


def order(page: Page) -> Sequence[str]:
    return page.locator("cp-chat-row .name").all_inner_texts()


def badge(where: Locator) -> Locator:
    """How much is unread in a chat of the list."""
    return where.locator("[data-unread] [aria-hidden]")


def open_chat(page: Page, name: str) -> None:
    row(page, name).locator(".open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def composer(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Message")


def write(page: Page, text: str) -> None:
    """Write into the chat that is open, and send it."""
    composer(page).fill(text)
    composer(page).press("Enter")


def messages(page: Page) -> Locator:
    return page.locator("cp-message article")


def message(page: Page, text: str) -> Locator:
    return messages(page).filter(has_text=text)


def menu(page: Page, text: str) -> Locator:
    """Open the menu of a message."""
    message(page, text).click(button="right")
    return page.get_by_role("menu")


def choose(page: Page, text: str, action: str) -> None:
    """Do something with a message by its menu."""
    menu(page, text).get_by_role("menuitem", name=action, exact=True).click()


def answer(page: Page, name: str) -> None:
    """Press a button of the window that asks something."""
    window = page.locator("cp-dialog").last
    window.get_by_role("button", name=name, exact=True).click()
