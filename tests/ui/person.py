"""Somebody who uses the web client, in a browser window that nobody else uses."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
from attrs import define, field
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    WebError,
    expect,
)

CLIENT = "/_matrix/client/v3"
PASSWORD = "correct horse battery staple"
# A page cannot say more of what its policy has stopped than this event does.
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  const where = `${event.sourceFile}:${event.lineNumber}`;
  console.error(`policy: ${event.violatedDirective} stopped ${event.blockedURI} at ${where}`);
});
"""
_KEEP = """async (proof) => {
  const { IndexedDbStorage } = await import("/ui/chatproto/storage.js");
  const storage = new IndexedDbStorage();
  await storage.saveCredentials(proof);
  storage.close();
}"""


# To register is to be refused first, and told how; the door asks that for everybody.
_USUAL = (r"status of 401 .*/_matrix/client/v3/register\)$",)


@define(eq=False, slots=False)  # Playwright notes on the object what it calls
class Watch:
    """What goes wrong in the pages of a window, and what they ask of other servers."""

    origin: str
    problems: list[str] = field(factory=list)
    _forgiven: list[re.Pattern[str]] = field(
        factory=lambda: [re.compile(pattern) for pattern in _USUAL]
    )

    def follow(self, context: BrowserContext) -> None:
        """Note from now on; pages that are opened later are noted, too."""
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("console", self._said)
        context.on("weberror", self._thrown)
        context.on("request", self._asked)
        context.on("requestfailed", self._failed)

    def forgive(self, pattern: str) -> None:
        """Let pass what the regular expression finds, before or after it happens."""
        self._forgiven.append(re.compile(pattern))

    @property
    def unforgiven(self) -> list[str]:
        return [
            p for p in self.problems if not any(f.search(p) for f in self._forgiven)
        ]

    def check(self) -> None:
        assert not self.unforgiven, "in the browser:\n" + "\n".join(self.unforgiven)

    def _note(self, problem: str) -> None:
        self.problems.append(problem)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            address = message.location["url"]
            self._note(f"console {message.type}: {message.text} ({address})")

    def _thrown(self, told: WebError) -> None:
        stack = getattr(told.error, "stack", None)
        self._note(f"error: {told.error}\n{stack or ''}".strip())

    def _asked(self, request: Request) -> None:
        if not self._is_own(request.url):
            self._note(f"foreign request: {request.method} {request.url}")

    def _failed(self, request: Request) -> None:
        # What a page no longer wants, for it was left or reloaded, is no failure.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"request failed: {request.url}: {request.failure}")

    def _is_own(self, url: str) -> bool:
        scheme, _, rest = url.partition(":")
        if scheme in ("data", "about"):
            return True
        address = urlsplit(rest if scheme == "blob" else url)
        return f"{address.scheme}://{address.netloc}" == self.origin


@define
class Api:
    """What a person does without the browser, so that a test is soon where it begins."""

    url: str
    user_id: str
    token: str
    http: httpx2.Client
    _numbers: itertools.count[int] = field(factory=itertools.count)

    @classmethod
    def register(cls, url: str, localpart: str, display_name: str) -> Api:
        """A new user who is logged in, with a session besides that of the browser."""
        http = httpx2.Client(base_url=url, timeout=20)
        body: dict[str, Any] = {
            "username": localpart,
            "password": PASSWORD,
            "initial_device_display_name": "tests",
            "auth": {"type": "m.login.dummy"},
        }
        answer = http.post(f"{CLIENT}/register", json=body)
        if answer.status_code == 401:
            body["auth"]["session"] = answer.json()["session"]
            answer = http.post(f"{CLIENT}/register", json=body)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        api = cls(url, told["user_id"], told["access_token"], http)
        api.put(f"/profile/{quote(api.user_id)}/displayname", displayname=display_name)
        return api

    def log_in(self, device_name: str) -> dict[str, Any]:
        """A session of its own: what the server says to who has logged in."""
        told = self.http.post(
            f"{CLIENT}/login",
            json={
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": self.user_id},
                "password": PASSWORD,
                "initial_device_display_name": device_name,
            },
        )
        assert told.status_code == 200, told.text
        return told.json()

    def call(self, verb: str, path: str, body: object = None) -> Any:
        """Any call; paths that begin with /_ are whole, others those of /v3."""
        whole = path if path.startswith("/_") else CLIENT + path
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.http.request(verb, whole, json=body, headers=headers)
        assert answer.status_code == 200, (verb, path, answer.status_code, answer.text)
        return answer.json()

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, **fields: Any) -> Any:
        return self.call("POST", path, fields)

    def put(self, path: str, **fields: Any) -> Any:
        return self.call("PUT", path, fields)

    def create_room(self, name: str = "", **fields: Any) -> str:
        """Make a room; its ID. `fields` are those of createRoom."""
        named = {"name": name} if name else {}
        return self.post("/createRoom", **named, **fields)["room_id"]

    def room_with(self, *others: Api, name: str = "", **fields: Any) -> str:
        """A room in which the others are already; its ID."""
        invited = [other.user_id for other in others]
        room_id = self.create_room(name, invite=invited, **fields)
        for other in others:
            other.join(room_id)
        return room_id

    def direct_with(self, other: Api) -> str:
        """The chat of two, which both are in; its ID."""
        told = self.post("/_chatproto/v1/direct", user_id=other.user_id)
        other.join(told["room_id"])
        return told["room_id"]

    def invite(self, room_id: str, other: Api) -> None:
        self.post(f"{_room(room_id)}/invite", user_id=other.user_id)

    def join(self, room_id: str) -> None:
        self.post(f"{_room(room_id)}/join")

    def leave(self, room_id: str) -> None:
        self.post(f"{_room(room_id)}/leave")

    def say(self, room_id: str, text: str, **content: Any) -> str:
        """Send a message of text; its event ID."""
        return self.send(room_id, {"msgtype": "m.text", "body": text, **content})

    def send(
        self, room_id: str, content: dict[str, Any], kind: str = "m.room.message"
    ) -> str:
        path = f"{_room(room_id)}/send/{kind}/tests{next(self._numbers)}"
        return self.put(path, **content)["event_id"]

    def set_state(
        self, room_id: str, kind: str, content: dict[str, Any], state_key: str = ""
    ) -> str:
        path = f"{_room(room_id)}/state/{kind}/{quote(state_key, safe='')}"
        return self.put(path, **content)["event_id"]

    def read(self, room_id: str, event_id: str) -> None:
        self.post(f"{_room(room_id)}/receipt/m.read/{quote(event_id)}")


@define(eq=False)
class Person:
    """A registered user with a window; `page` is what is seen in it."""

    name: str
    api: Api
    context: BrowserContext
    page: Page
    watch: Watch

    @property
    def user_id(self) -> str:
        return self.api.user_id

    def forgive(self, *patterns: str) -> None:
        """Say which problems a test makes on purpose, by regular expressions."""
        for pattern in patterns:
            self.watch.forgive(pattern)

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.api.url + path)
        return self.page

    def log_in(self) -> None:
        """As somebody who has been here before: the browser holds the credentials."""
        told = self.api.log_in("browser")
        proof = {
            "server": self.api.url,
            "userId": told["user_id"],
            "deviceId": told["device_id"],
            "accessToken": told["access_token"],
        }
        self.open("/ui/vendor/versions.json")  # of the client, but without its scripts
        self.page.evaluate(_KEEP, proof)
        self.open()
        expect(self.page.get_by_role("navigation").first).to_be_visible()

    def log_in_by_form(self) -> None:
        """As somebody who is here for the first time, and reads English."""
        page = self.open()
        page.get_by_label("Username").fill(self.api.user_id[1:].split(":")[0])
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("navigation").first).to_be_visible()

    def another_page(self) -> Page:
        """One more page in the same window, as a second tab."""
        page = self.context.new_page()
        page.goto(self.api.url)
        return page


def eventually(page: Page, holds: Callable[[], bool]) -> None:
    """Wait for what no locator shows, while the browser's events come in."""
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        page.wait_for_timeout(20)


def violations(report: dict[str, Any]) -> Sequence[str]:
    """What axe-core found, a line for each rule that is broken."""
    return [
        f"{v['id']}: {v['help']}: {[node['target'] for node in v['nodes']]}"
        for v in report["violations"]
    ]


def _room(room_id: str) -> str:
    return f"/rooms/{quote(room_id, safe='')}"
