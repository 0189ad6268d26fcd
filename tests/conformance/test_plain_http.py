"""What the walks of the clients leave out, asked by plain HTTP."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import httpx2
import pytest

from tests.conformance import coverage
from tests.conformance.walks import PASSWORD

CLIENT = "plain HTTP"
V1, V3 = "/_matrix/client/v1", "/_matrix/client/v3"
BASE_URL = "https://chat.example.org"


@pytest.fixture(scope="module")
def server_options():
    return (
        f"--base-url={BASE_URL}",
        "--url-previews",
        "--outbound-networks=127.0.0.0/8",
        "--guests",
        "--turn-uris=turn:turn.example.org?transport=udp",
        "--turn-secret=north",
    )


class Caller:
    """One device of an account."""

    def __init__(self, url, account):
        self.http = httpx2.Client(base_url=url, timeout=20)
        self.account = account
        self.login = self.ask("POST", f"{V3}/login", self.password_login())
        self.use(self.login["access_token"])

    def use(self, token):
        self.http.headers["Authorization"] = f"Bearer {token}"

    def password_login(self, password=PASSWORD):
        return {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.user_id},
            "password": password,
            "refresh_token": True,
        }

    @property
    def user_id(self):
        return self.account.user_id

    @property
    def own(self):
        return f"{V3}/user/{quote(self.user_id)}"

    def ask(self, verb, path, body=None, status=200, **query):
        answer = self.http.request(verb, path, json=body, params=query or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def ask_with_password(self, verb, path, body):
        first = self.ask(verb, path, body, status=401)
        auth = self.password_login() | {"session": first["session"]}
        return self.ask(verb, path, body | {"auth": auth})

    def room(self, **how):
        return self.ask("POST", f"{V3}/createRoom", how)["room_id"]

    def say(self, room_id, text, **content):
        path = f"{V3}/rooms/{quote(room_id)}/send/m.room.message/{text}"
        body = {"msgtype": "m.text", "body": text, **content}
        return self.ask("PUT", path, body)["event_id"]


@pytest.fixture
def log_in(recorded, register):
    started = []

    def one(account=None):
        started.append(Caller(recorded(CLIENT).url, account or register()))
        return started[-1]

    yield one
    for caller in started:
        caller.http.close()


@pytest.fixture
def anna(log_in):
    return log_in()


def test_well_known_tells_the_address(anna):
    found = anna.ask("GET", "/.well-known/matrix/client")
    assert found["m.homeserver"] == {"base_url": BASE_URL}


def test_capabilities_name_the_room_version(anna):
    found = anna.ask("GET", f"{V3}/capabilities")["capabilities"]["m.room_versions"]
    assert found["available"][found["default"]] == "stable"


def test_registration_asks_for_a_stage(recorded):
    with httpx2.Client(base_url=recorded(CLIENT).url) as http:
        free = http.get(f"{V3}/register/available", params={"username": "clara"})
        assert free.json() == {"available": True}
        body = {"username": "clara", "password": PASSWORD}
        first = http.post(f"{V3}/register", json=body)
        assert first.status_code == 401
        assert first.json()["flows"] == [{"stages": ["m.login.dummy"]}]
        auth = {"type": "m.login.dummy", "session": first.json()["session"]}
        done = http.post(f"{V3}/register", json=body | {"auth": auth}).json()
        assert done["user_id"] == "@clara:localhost"
        assert done["access_token"]
        taken = http.get(f"{V3}/register/available", params={"username": "clara"})
        assert taken.json()["errcode"] == "M_USER_IN_USE"


def test_refreshed_token_replaces_the_old_one(anna):
    old = anna.login["refresh_token"]
    fresh = anna.ask("POST", f"{V3}/refresh", {"refresh_token": old})
    anna.use(fresh["access_token"])
    assert anna.ask("GET", f"{V3}/account/whoami")["user_id"] == anna.user_id


def test_changed_password_is_the_one_that_counts(anna, log_in):
    anna.ask_with_password(
        "POST",
        f"{V3}/account/password",
        {"new_password": "another one, and longer", "logout_devices": False},
    )
    refused = anna.ask("POST", f"{V3}/login", anna.password_login(), status=403)
    assert refused["errcode"] == "M_FORBIDDEN"
    anna.ask("POST", f"{V3}/login", anna.password_login("another one, and longer"))


def test_deactivated_account_lets_nobody_in(anna):
    gone = anna.ask_with_password("POST", f"{V3}/account/deactivate", {})
    assert gone["id_server_unbind_result"] == "success"
    refused = anna.ask("POST", f"{V3}/login", anna.password_login(), status=403)
    assert refused["errcode"] in ("M_FORBIDDEN", "M_USER_DEACTIVATED")


def test_device_is_shown_and_deleted(anna, log_in):
    other = log_in(anna.account)
    path = f"{V3}/devices/{quote(other.login['device_id'])}"
    assert anna.ask("GET", path)["device_id"] == other.login["device_id"]
    anna.ask_with_password("DELETE", path, {})
    refused = other.ask("GET", f"{V3}/account/whoami", status=401)
    assert refused["errcode"] == "M_UNKNOWN_TOKEN"


def test_logging_out_everywhere_ends_every_token(anna, log_in):
    other = log_in(anna.account)
    anna.ask("POST", f"{V3}/logout/all", {})
    for caller in (anna, other):
        assert caller.ask("GET", f"{V3}/account/whoami", status=401)["errcode"]


def test_filter_comes_back_as_it_went(anna):
    wanted = {"room": {"timeline": {"limit": 3}}}
    filter_id = anna.ask("POST", f"{anna.own}/filter", wanted)["filter_id"]
    assert anna.ask("GET", f"{anna.own}/filter/{filter_id}") == wanted


def test_account_data_of_a_room_is_kept(anna):
    path = f"{anna.own}/rooms/{quote(anna.room())}/account_data/org.example.draft"
    assert anna.ask("GET", path, status=404)["errcode"] == "M_NOT_FOUND"
    anna.ask("PUT", path, {"text": "well"})
    assert anna.ask("GET", path) == {"text": "well"}


def test_relations_are_listed_by_kind(anna):
    room_id = anna.room()
    root = anna.say(room_id, "root")
    relation = {"rel_type": "m.thread", "event_id": root}
    reply = anna.say(room_id, "reply", **{"m.relates_to": relation})
    path = f"{V1}/rooms/{quote(room_id)}/relations/{quote(root)}"
    for kind in ("", "/m.thread", "/m.thread/m.room.message"):
        assert [e["event_id"] for e in anna.ask("GET", path + kind)["chunk"]] == [reply]
    assert anna.ask("GET", path + "/m.annotation")["chunk"] == []


def test_aliases_and_public_rooms_are_listed(anna):
    room_id = anna.room(visibility="public", name="Open", room_alias_name="open")
    found = anna.ask("GET", f"{V3}/rooms/{quote(room_id)}/aliases")
    assert found == {"aliases": ["#open:localhost"]}
    rooms = anna.ask("GET", f"{V3}/publicRooms", limit=5)["chunk"]
    assert [room["canonical_alias"] for room in rooms] == ["#open:localhost"]


def test_download_is_named_as_asked(anna):
    sent = anna.http.post("/_matrix/media/v3/upload", content=b"plain")
    name = sent.json()["content_uri"].removeprefix("mxc://")
    answer = anna.http.get(f"{V1}/media/download/{name}/asked.txt")
    assert answer.content == b"plain"
    assert "asked.txt" in answer.headers["Content-Disposition"]


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        text = b"<html><head><title>A page of ours</title></head></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_args):
        pass


@pytest.fixture
def page():
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_preview_of_a_page_has_its_title(anna, page):
    found = anna.ask("GET", f"{V1}/media/preview_url", url=page)
    assert found["og:title"] == "A page of ours"


def test_space_lists_its_rooms_page_by_page(anna):
    space = anna.room(name="space", creation_content={"type": "m.space"})
    for number in range(3):
        child = anna.room(name=f"room {number}")
        path = f"{V3}/rooms/{quote(space)}/state/m.space.child/{quote(child)}"
        anna.ask("PUT", path, {"via": ["localhost"], "order": str(number)})
    path = f"{V1}/rooms/{quote(space)}/hierarchy"
    first = anna.ask("GET", path, limit=2, max_depth=1)
    token = first["next_batch"]
    rest = anna.ask("GET", path, **{"from": token, "max_depth": 1})
    rooms = first["rooms"] + rest["rooms"]
    assert [r["name"] for r in rooms] == ["space", "room 0", "room 1", "room 2"]
    refused = anna.ask("GET", path, status=400, **{"from": token, "max_depth": 2})
    assert refused["errcode"] == "M_INVALID_PARAM"


def test_upgraded_room_is_summarized_under_its_alias(anna):
    room_id = anna.room(room_alias_name="moved", name="Moved")
    body = {"new_version": "11"}
    done = anna.ask("POST", f"{V3}/rooms/{quote(room_id)}/upgrade", body)
    summary = anna.ask("GET", f"{V1}/room_summary/{quote('#moved:localhost')}")
    assert summary["room_id"] == done["replacement_room"] != room_id
    assert (summary["name"], summary["membership"]) == ("Moved", "join")


def test_token_of_one_device_lets_another_in_once(anna):
    path = f"{V1}/login/get_token"
    token = anna.ask_with_password("POST", path, {})["login_token"]
    body = {"type": "m.login.token", "token": token}
    assert anna.ask("POST", f"{V3}/login", body)["user_id"] == anna.user_id
    assert anna.ask("POST", f"{V3}/login", body, status=403)["errcode"] == "M_FORBIDDEN"


def test_registration_token_is_not_known(anna):
    path = f"{V1}/register/m.login.registration_token/validity"
    assert anna.ask("GET", path, token="guess") == {"valid": False}


def test_guest_comes_where_guests_are_let_in(anna, recorded):
    room_id = anna.room(preset="public_chat")
    path = f"{V3}/rooms/{quote(room_id)}/join"
    with httpx2.Client(base_url=recorded(CLIENT).url) as http:
        made = http.post(f"{V3}/register?kind=guest", json={}).json()
        bearer = {"Authorization": f"Bearer {made['access_token']}"}
        refused = http.post(path, json={}, headers=bearer)
        assert refused.json()["errcode"] == "M_GUEST_ACCESS_FORBIDDEN"
        state = f"{V3}/rooms/{quote(room_id)}/state/m.room.guest_access/"
        anna.ask("PUT", state, {"guest_access": "can_join"})
        assert http.post(path, json={}, headers=bearer).status_code == 200
        files = "/_matrix/media/v3/upload"
        refused = http.post(files, content=b"plain", headers=bearer)
        assert refused.json()["errcode"] == "M_GUEST_ACCESS_FORBIDDEN"


def test_calls_have_a_relay(anna):
    found = anna.ask("GET", f"{V3}/voip/turnServer")
    assert found["uris"] == ["turn:turn.example.org?transport=udp"]
    assert found["username"].endswith(f":{anna.user_id}")


def test_there_are_no_other_networks(anna):
    networks = f"{V3}/thirdparty"
    assert anna.ask("GET", f"{networks}/protocols") == {}
    assert anna.ask("GET", f"{networks}/location", alias="#a:localhost") == []
    assert anna.ask("GET", f"{networks}/user", userid=anna.user_id) == []
    for path in ("protocol/irc", "location/irc", "user/irc"):
        refused = anna.ask("GET", f"{networks}/{path}", status=404)
        assert refused["errcode"] == "M_NOT_FOUND"


def test_no_address_is_kept(anna):
    path = f"{V3}/account/3pid"
    assert anna.ask("GET", path) == {"threepids": []}
    session = {"sid": "1", "client_secret": "secret"}
    identity = {"id_server": "id.example.org", "id_access_token": "token"}
    for verb, body in (("add", session), ("bind", session | identity)):
        refused = anna.ask("POST", f"{path}/{verb}", body, status=403)
        assert refused["errcode"] == "M_THREEPID_DENIED"
    address = {"medium": "email", "address": "anna@example.org"}
    for verb in ("delete", "unbind"):
        gone = anna.ask("POST", f"{path}/{verb}", address)
        assert gone == {"id_server_unbind_result": "no-support"}


def test_recording_agrees_with_specification_and_table(recorded):
    coverage.check(CLIENT, recorded(CLIENT).exchanges())
