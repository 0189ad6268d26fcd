from __future__ import annotations

import pytest
import signedjson.key
import signedjson.sign
from hypothesis import given
from hypothesis import strategies as st

from chatproto.canonical import MAX_INTEGER
from chatproto.errors import LocalError, MatrixError
from chatproto.events.redaction import RULES_V10, RULES_V11, redact
from chatproto.signing import (
    SigningKey,
    content_hash,
    decode_base64,
    encode_base64,
    encode_base64_url,
    reference_hash,
    sign_json,
    verify_json,
)

# Specification, appendices, "Cryptographic Test Vectors".
KEY = SigningKey.generate(
    "1",
    decode_base64("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1"),
)
PUBLIC = "XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI"
MINIMAL = {
    "room_id": "!x:domain",
    "sender": "@a:domain",
    "origin": "domain",
    "origin_server_ts": 1000000,
    "signatures": {},
    "hashes": {},
    "type": "X",
    "content": {},
    "prev_events": [],
    "auth_events": [],
    "depth": 3,
    "unsigned": {"age_ts": 1000000},
}
REDACTABLE = {
    "content": {"body": "Here is the message content"},
    "event_id": "$0:domain",
    "origin": "domain",
    "origin_server_ts": 1000000,
    "type": "m.room.message",
    "room_id": "!r:domain",
    "sender": "@u:domain",
    "signatures": {},
    "unsigned": {"age_ts": 1000000},
}
HASH_OF_MINIMAL = "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"
HASH_OF_REDACTABLE = "onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g"

objects = st.dictionaries(
    st.text(max_size=6),
    st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(max_size=6) | st.none(),
    max_size=5,
)


def test_public_key_of_the_vectors():
    assert KEY.verify_key_base64 == PUBLIC


@pytest.mark.parametrize(
    ("obj", "signature"),
    [
        (
            {},
            "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZ"
            "zuHGZKM5ZAQ",
        ),
        (
            {"one": 1, "two": "Two"},
            "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EI"
            "MJpvhJI+6Bw",
        ),
    ],
    ids=["empty", "two-fields"],
)
def test_published_signature_of_json(obj, signature):
    signed = sign_json(obj, "domain", KEY)
    assert signed == {**obj, "signatures": {"domain": {"ed25519:1": signature}}}


# The published signatures are of the redaction of versions up to 10, which keeps
# `origin`. Those of version 11 were computed with another implementation of Ed25519.
EVENTS = [
    pytest.param(
        MINIMAL,
        HASH_OF_MINIMAL,
        RULES_V10,
        "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkws"
        "Qma+lYAg",
        "8yif6p8EqgoSten2BLje9ntKm720NyFLWQv9tn8memc",
        id="minimal-10",
    ),
    pytest.param(
        MINIMAL,
        HASH_OF_MINIMAL,
        RULES_V11,
        "Jxp+1glFcZM+nnHpY0EkedRR7u0VmKsJYGnQqIvqus3UvL5X/p1y6wSkLhGoTBel6MZ9lrMIzUqrjq"
        "FquWJKBw",
        "70O_oKlXzFbkfu0KE88USi98DjSWrOELrPj-8tisl8I",
        id="minimal-11",
    ),
    pytest.param(
        REDACTABLE,
        HASH_OF_REDACTABLE,
        RULES_V10,
        "Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McE"
        "iVPdhzBA",
        "oFAil2fHTGY66j9PIsC3hnc-_6r2SQGxCzd1_FUgtOE",
        id="redactable-10",
    ),
    pytest.param(
        REDACTABLE,
        HASH_OF_REDACTABLE,
        RULES_V11,
        "4WQB/6LN2OtkUN/+18xUNB/U4RTX1N3EeKBdlCxux08YO8izKDrSRqML1XB8V97IK7AujkNO1xMl7T"
        "aBLA4kDw",
        "4Wse3wARkU3vfz3WvvTUUlWan9kETgdNEiY6CTbJGTQ",
        id="redactable-11",
    ),
]


@pytest.mark.parametrize(("event", "sha256", "rules", "signature", "event_id"), EVENTS)
def test_vector_of_a_signed_event(event, sha256, rules, signature, event_id):
    assert content_hash(event) == sha256
    redacted = redact({**event, "hashes": {"sha256": sha256}}, rules)
    signed = sign_json(redacted, "domain", KEY)
    assert signed["signatures"]["domain"]["ed25519:1"] == signature
    assert reference_hash(signed) == event_id


@given(objects)
def test_signature_verifies_here_and_elsewhere(obj):
    signed = sign_json(obj, "domain", KEY)
    verify_json(signed, "domain", "ed25519:1", PUBLIC)
    theirs = signedjson.key.decode_verify_key_bytes("ed25519:1", decode_base64(PUBLIC))
    signedjson.sign.verify_signed_json(signed, "domain", theirs)


def test_signing_adds_to_other_signatures():
    other = SigningKey.generate("b2", bytes(32))
    twice = sign_json(sign_json({"a": 1}, "one", KEY), "one", other)
    thrice = sign_json(twice, "two", other)
    verify_json(thrice, "one", KEY.key_id, PUBLIC)
    verify_json(thrice, "one", "ed25519:b2", other.verify_key_base64)
    verify_json(thrice, "two", "ed25519:b2", other.verify_key_base64)


def test_signing_leaves_the_original():
    obj = {"signatures": {"one": {"ed25519:z": "abc"}}}
    sign_json(obj, "one", KEY)
    assert obj == {"signatures": {"one": {"ed25519:z": "abc"}}}


def test_unsigned_is_not_signed():
    signed = sign_json({"a": 1, "unsigned": {"age": 1}}, "domain", KEY)
    verify_json({**signed, "unsigned": {}}, "domain", KEY.key_id, PUBLIC)


SIGNED = sign_json({"a": 1}, "domain", KEY)


@pytest.mark.parametrize(
    "obj",
    [
        {**SIGNED, "a": 2},
        {"a": 1},
        {"a": 1, "signatures": {}},
        {"a": 1, "signatures": []},
        {"a": 1, "signatures": {"domain": "x"}},
        {"a": 1, "signatures": {"domain": {KEY.key_id: 5}}},
        {"a": 1, "signatures": {"domain": {KEY.key_id: "AA"}}},
        {"a": 1, "signatures": {"domain": {KEY.key_id: "!"}}},
        {"a": 1, "signatures": {"domain": {KEY.key_id: "é"}}},
    ],
    ids=[
        "changed",
        "none",
        "empty",
        "list",
        "text",
        "number",
        "short",
        "junk",
        "accent",
    ],
)
def test_wrong_signature_is_refused(obj):
    with pytest.raises(MatrixError) as caught:
        verify_json(obj, "domain", KEY.key_id, PUBLIC)
    assert caught.value.errcode == "M_FORBIDDEN"


@pytest.mark.parametrize("key", ["", "AA", "?", "é", PUBLIC[::-1]])
def test_wrong_key_is_refused(key):
    with pytest.raises(MatrixError):
        verify_json(SIGNED, "domain", KEY.key_id, key)


@pytest.mark.parametrize(
    ("version", "seed"),
    [("", bytes(32)), ("a:b", bytes(32)), ("1", bytes(31)), ("1", bytes(33))],
    ids=["no-version", "colon", "short", "long"],
)
def test_impossible_key_is_a_mistake(version, seed):
    with pytest.raises(LocalError):
        SigningKey.generate(version, seed)


def test_seed_is_not_shown():
    assert "seed" not in repr(SigningKey.generate("1", b"secret" + bytes(26)))


# RFC 4648, section 10, without the padding.
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"f", "Zg"),
        (b"fo", "Zm8"),
        (b"foo", "Zm9v"),
        (b"foob", "Zm9vYg"),
        (b"fooba", "Zm9vYmE"),
        (b"foobar", "Zm9vYmFy"),
    ],
)
def test_base64_vector(data, text):
    assert encode_base64(data) == text
    assert decode_base64(text) == data
    assert decode_base64(text + "=" * (-len(text) % 4)) == data


@given(st.binary())
def test_base64_is_undone(data):
    assert decode_base64(encode_base64(data)) == data
    url = encode_base64_url(data)
    assert decode_base64(url.replace("-", "+").replace("_", "/")) == data


@pytest.mark.parametrize("text", ["A", "Zg\n", "Z g", "é", "__", 5, None], ids=repr)
def test_what_is_not_base64_is_refused(text):
    with pytest.raises(ValueError, match="base64"):
        decode_base64(text)
