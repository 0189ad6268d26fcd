from __future__ import annotations

import json
import stat

import pytest
import trio

from chatproto.client.profile import (
    NotLoggedInError,
    Profile,
    ProfileTokens,
    connect_profile,
    delete_profile,
    load_profile,
    profile_path,
    save_profile,
)
from chatproto.client.tokens import Tokens
from chatproto.errors import LocalError, MatrixError
from chatproto.operations.accounts import LOGIN, LoggedIn, Login, WhoAmI


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


ANNA = Profile("http://127.0.0.1:1", "@anna:x", "secret", "secret2", 5000)


def test_profile_comes_back():
    save_profile("work", ANNA)
    assert load_profile("work") == ANNA


def test_profile_is_for_its_owner_only(home):
    save_profile("work", ANNA)
    save_profile("work", ANNA)
    path = home / "chatproto" / "work.json"
    assert path == profile_path("work")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_without_log_in_it_is_said_how():
    with pytest.raises(NotLoggedInError, match="chatproto login"):
        load_profile("nobody")


def test_deleted_profile_is_gone():
    save_profile("work", ANNA)
    delete_profile("work")
    delete_profile("work")
    with pytest.raises(NotLoggedInError):
        load_profile("work")


def test_profile_of_earlier_version_is_read():
    save_profile("work", ANNA)
    old = {"url": "http://x", "user_id": "@a:x", "token": "t", "gone": 1}
    profile_path("work").write_text(json.dumps(old))
    assert load_profile("work") == Profile("http://x", "@a:x", "t")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": 1}'])
def test_other_file_is_refused(text):
    save_profile("work", ANNA)
    profile_path("work").write_text(text)
    with pytest.raises(LocalError, match="does not hold a profile"):
        load_profile("work")


def test_tokens_do_not_show():
    assert "secret" not in repr(ANNA)


def test_log_in_makes_profile():
    answer = LoggedIn(
        user_id="@anna:x",
        access_token="a",
        device_id="D",
        expires_in_ms=1000,
        refresh_token="r",
    )
    profile = Profile.of("http://x", answer, 500)
    assert profile == Profile("http://x", "@anna:x", "a", "r", 1500)


def test_new_tokens_are_kept():
    save_profile("work", ANNA)
    ProfileTokens("work").save(Tokens(access="new", refresh="new2", expires_ms=9))
    assert load_profile("work") == Profile(ANNA.url, ANNA.user_id, "new", "new2", 9)
    assert ProfileTokens("work").load().access == "new"


async def test_profile_connects_and_follows_its_tokens(net):
    way = net.transport()
    login = Login(user="anna", password="annapass", refresh_token=True)
    answer = await way.call(LOGIN, login, None)
    first = Profile.of("memory:", answer, net.clock.now_ms())
    save_profile("work", first)
    options = {"transport": way, "now_ms": net.clock.now_ms}
    async with connect_profile("work", **options) as anna:
        await trio.sleep(10_000)
        assert (await anna.call(WhoAmI())).user_id == first.user_id
    kept = load_profile("work")
    assert kept.token != first.token
    assert kept.refresh_token != first.refresh_token
    async with connect_profile("work", **options) as anna:
        await anna.call(WhoAmI())


async def test_logged_out_profile_ends_session(net):
    save_profile("work", Profile("memory:", "@anna:example.org", "ended"))
    with pytest.raises(MatrixError, match="M_UNKNOWN_TOKEN"):
        async with connect_profile("work", transport=net.transport()):
            pass
