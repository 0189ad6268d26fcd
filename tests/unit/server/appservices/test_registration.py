from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.ids import ServerName
from chatproto.server.appservices.registration import (
    Namespace,
    Registration,
    RegistrationError,
    parse_registration,
)
from chatproto.server.appservices.services import Appservices, Claims

SERVER = ServerName("example.org")

GOOD = {
    "id": "telegram",
    "url": "http://localhost:9000/",
    "as_token": "as-secret-1",
    "hs_token": "hs-secret-1",
    "sender_localpart": "telegrambot",
    "namespaces": {
        "users": [{"regex": "@telegram_.*:example\\.org", "exclusive": True}],
        "aliases": [{"regex": "#telegram_.*", "exclusive": False}],
    },
}


def test_file_becomes_value():
    registration = parse_registration({**GOOD, "rate_limited": False, "more": 1})
    assert registration == Registration(
        id="telegram",
        url="http://localhost:9000",
        as_token="as-secret-1",
        hs_token="hs-secret-1",
        sender_localpart="telegrambot",
        users=(Namespace("@telegram_.*:example\\.org", exclusive=True),),
        aliases=(Namespace("#telegram_.*"),),
        rate_limited=False,
    )


def test_secrets_are_not_shown():
    assert "secret" not in repr(parse_registration(GOOD))


NEW, OLD = "receive_ephemeral", "de.sorunome.msc2409.push_ephemeral"


@pytest.mark.parametrize(
    ("names", "told_as"),
    [
        pytest.param([NEW], "ephemeral", id="new"),
        pytest.param([OLD], "de.sorunome.msc2409.ephemeral", id="old"),
        pytest.param([NEW, OLD], "ephemeral", id="both"),
    ],
)
def test_ephemeral_by_either_name(names, told_as):
    parsed = parse_registration({**GOOD, **dict.fromkeys(names, True)})
    assert (parsed.receive_ephemeral, parsed.ephemeral_name) == (True, told_as)


@pytest.mark.parametrize("url", [None, ""])
def test_no_url_is_none(url):
    assert parse_registration({**GOOD, "url": url}).url is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"id": ""}, "id is missing", id="id"),
        pytest.param({"id": "x" * 129}, "id is at most 128", id="long id"),
        pytest.param({"url": "ftp://x"}, "url is http", id="scheme"),
        pytest.param({"url": "http://"}, "url is http", id="no host"),
        pytest.param({"url": "http://h:99999"}, "url is http", id="port"),
        pytest.param({"url": "http://h/?q"}, "url is http", id="query"),
        pytest.param({"url": 5}, "url is http", id="number"),
        pytest.param({"as_token": "short"}, "as_token is a secret", id="short token"),
        pytest.param({"hs_token": 12345678}, "hs_token is missing", id="token"),
        pytest.param({"sender_localpart": "Ä"}, "sender_localpart is of", id="sender"),
        pytest.param({"sender_localpart": "Bot"}, "sender_localpart is of", id="upper"),
        pytest.param({"rate_limited": "no"}, "rate_limited is true", id="flag"),
        pytest.param({"protocols": ["irc", 1]}, "protocols is a list", id="protocols"),
        pytest.param({"namespaces": []}, "namespaces is a mapping", id="namespaces"),
        pytest.param({"namespaces": {"users": {}}}, "users is a list", id="users"),
        pytest.param({"namespaces": {"rooms": [{}]}}, "text `regex`", id="no regex"),
        pytest.param(
            {"namespaces": {"rooms": [{"regex": "("}]}}, "none of RE2", id="regex"
        ),
        pytest.param(
            {"namespaces": {"users": [{"regex": "@(?!a)"}]}},
            "none of RE2",
            id="look-ahead",
        ),
        pytest.param(
            {"namespaces": {"users": [{"regex": "a" * 1001}]}},
            "longer than 1000",
            id="long regex",
        ),
    ],
)
def test_wrong_file_says_where(change, told):
    with pytest.raises(RegistrationError, match=told):
        parse_registration({**GOOD, **change})


@pytest.mark.parametrize("name", ["url", "as_token", "hs_token", "id"])
def test_missing_field_is_named(name):
    with pytest.raises(RegistrationError, match=name):
        parse_registration({k: v for k, v in GOOD.items() if k != name})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["users", "rooms", "regex", "exclusive"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "rate_limited", "protocols"]), JSON))
def test_any_content_is_read_or_refused(change):
    try:
        registration = parse_registration({**GOOD, **change})
    except RegistrationError:
        return
    assert isinstance(registration, Registration)


def test_pattern_that_would_explode_is_fast():
    assert not Namespace("@(a+)+$").has("@" + "a" * 5_000 + "b")


def claims(**change):
    return Claims(parse_registration({**GOOD, **change}), SERVER)


@pytest.mark.parametrize(
    ("user_id", "expected"),
    [
        pytest.param("@telegrambot:example.org", True, id="sender"),
        pytest.param("@telegram_5:example.org", True, id="in the namespace"),
        pytest.param("@ann:example.org", False, id="another"),
        pytest.param("@x@telegram_5:example.org", False, id="not at the beginning"),
        pytest.param("@telegram_5:example.org.evil.net", False, id="another server"),
    ],
)
def test_users_of_namespace(user_id, expected):
    service = claims()
    assert service.has_user(user_id) is expected
    assert service.has_user(user_id) is expected


def test_two_with_one_token_are_refused():
    both = (
        parse_registration(GOOD),
        parse_registration({**GOOD, "id": "irc", "sender_localpart": "irc"}),
    )
    with pytest.raises(RegistrationError, match="the same as_token"):
        Appservices(both, SERVER)


@given(st.text(max_size=20))
def test_only_its_token_finds_it(token):
    services = Appservices((parse_registration(GOOD),), SERVER)
    assert services.of_token("as-secret-1") is not None
    assert (services.of_token(token) is None) is (token != "as-secret-1")
