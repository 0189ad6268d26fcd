from __future__ import annotations

import pytest

from chatproto.operations.keys import (
    QueryKeys,
    UploadKeys,
    UploadSignatures,
    UploadSigningKeys,
)
from chatproto.signing import SigningKey, sign_json
from tests.unit.server.harness import refused
from tests.unit.server.test_keys import auth, device_keys


class Identity:
    """The cross-signing keys of somebody, with what they sign."""

    def __init__(self, person, seed=1):
        self.person = person
        keys = {}
        for number, usage in enumerate(("master", "self_signing", "user_signing")):
            secret = bytes([seed, number]) + bytes(30)
            public = SigningKey("x", secret).verify_key_base64
            keys[usage] = SigningKey(f"ed25519:{public}", secret)
        self.keys = keys

    def public(self, usage):
        return self.keys[usage].verify_key_base64

    def sign(self, usage, value):
        return sign_json(value, self.person.id, self.keys[usage])

    def key(self, usage):
        public = self.public(usage)
        key = {
            "user_id": self.person.id,
            "usage": [usage],
            "keys": {f"ed25519:{public}": public},
        }
        return key if usage == "master" else self.sign("master", key)

    def upload(self, **more):
        keys = {f"{usage}_key": self.key(usage) for usage in self.keys}
        return UploadSigningKeys(**{**keys, **more})


async def query(person, other):
    return await person.call(QueryKeys(device_keys={other.id: ()}))


@pytest.fixture
async def identity(bob):
    found = Identity(bob)
    await bob.call(found.upload())
    return found


async def test_keys_are_seen_as_far_as_they_concern_others(ann, bob, identity):
    seen, own = await query(ann, bob), await query(bob, bob)
    for answer in (seen, own):
        assert answer.master_keys == {bob.id: identity.key("master")}
        assert answer.self_signing_keys == {bob.id: identity.key("self_signing")}
    assert seen.user_signing_keys == {}
    assert own.user_signing_keys == {bob.id: identity.key("user_signing")}


async def test_first_keys_need_no_password_nor_do_the_same_again(bob, identity):
    await bob.call(identity.upload())


async def test_other_keys_need_the_password(ann, bob, identity):
    other = Identity(bob, seed=2)
    with refused("M_UNAUTHORIZED", 401):
        await bob.call(other.upload())
    with refused("M_FORBIDDEN", 401):
        wrong = {"type": "m.login.password", "password": "guess"}
        await bob.call(other.upload(auth=wrong))
    assert (await query(ann, bob)).master_keys == {bob.id: identity.key("master")}
    await bob.call(other.upload(auth=auth(bob)))
    assert (await query(ann, bob)).master_keys == {bob.id: other.key("master")}


async def test_new_master_key_ends_what_it_did_not_sign(ann, bob, identity):
    other = Identity(bob, seed=2)
    alone = UploadSigningKeys(master_key=other.key("master"), auth=auth(bob))
    await bob.call(alone)
    answer = await query(ann, bob)
    assert answer.master_keys == {bob.id: other.key("master")}
    assert answer.self_signing_keys == {}


def spoiled(key):
    user = key["user_id"]
    signatures = dict.fromkeys(key["signatures"][user], "A" * 86)
    return {**key, "signatures": {user: signatures}}


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        (
            lambda i: {"self_signing_key": spoiled(i.key("self_signing"))},
            "M_INVALID_SIGNATURE",
        ),
        (
            lambda i: {"user_signing_key": {**i.key("user_signing"), "signatures": {}}},
            "M_INVALID_SIGNATURE",
        ),
        (lambda i: {"master_key": None}, "M_MISSING_PARAM"),
        (
            lambda i: {
                "master_key": {**i.key("master"), "user_id": "@ann:example.org"}
            },
            "M_INVALID_PARAM",
        ),
        (
            lambda i: {"master_key": {**i.key("master"), "usage": ["self_signing"]}},
            "M_INVALID_PARAM",
        ),
        (
            lambda i: {"master_key": {**i.key("master"), "keys": {}}},
            "M_INVALID_PARAM",
        ),
        (
            lambda i: {"master_key": {**i.key("master"), "keys": {"ed25519:a": "b"}}},
            "M_INVALID_PARAM",
        ),
    ],
    ids=["wrong", "unsigned", "no master", "others'", "usage", "no key", "name"],
)
async def test_wrong_keys_are_refused(bob, change, errcode):
    found = Identity(bob)
    with refused(errcode):
        await bob.call(found.upload(**change(found)))
    assert (await query(bob, bob)).self_signing_keys == {}


async def test_key_must_not_be_called_as_a_device(chat):
    public = Identity(await chat.person("bob")).public("master")
    bob = await chat.person("bob", device=public)
    with refused("M_FORBIDDEN"):
        await bob.call(Identity(bob).upload())


async def sign(person, **signed):
    answer = await person.call(UploadSignatures(signatures=signed))
    return answer.failures


async def test_device_is_signed_for_everybody(ann, bob, identity):
    keys = device_keys(bob)
    await bob.call(UploadKeys(device_keys=keys))
    signed = identity.sign("self_signing", {**keys, "signatures": {}})
    device = bob.caller.device_id
    assert await sign(bob, **{bob.id: {device: signed}}) == {}
    seen = (await query(ann, bob)).device_keys[bob.id][device]["signatures"][bob.id]
    assert set(seen) == {
        f"ed25519:{device}",
        f"ed25519:{identity.public('self_signing')}",
    }


async def test_other_person_is_signed_for_oneself_alone(ann, bob, cat, identity):
    hers = Identity(ann, seed=3)
    await ann.call(hers.upload())
    signed = identity.sign("user_signing", hers.key("master"))
    assert await sign(bob, **{ann.id: {hers.public("master"): signed}}) == {}
    assert bob.id in (await query(bob, ann)).master_keys[ann.id]["signatures"]
    for other in (ann, cat):
        found = (await query(other, ann)).master_keys[ann.id]
        assert bob.id not in found.get("signatures", {})


async def test_wrong_signatures_are_told_and_left_out(ann, bob, identity):
    keys = device_keys(bob)
    await bob.call(UploadKeys(device_keys=keys))
    device = bob.caller.device_id
    signed = identity.sign("self_signing", {**keys, "signatures": {}})
    changed = identity.sign("self_signing", {**keys, "algorithms": []})
    by_nobody = {**keys, "signatures": {}}
    for wrong in (spoiled(signed), changed, by_nobody):
        failures = await sign(bob, **{bob.id: {device: wrong, "NONE": signed}})
        assert failures[bob.id][device]["errcode"] == "M_INVALID_SIGNATURE"
        assert failures[bob.id]["NONE"]["errcode"] == "M_NOT_FOUND"
    seen = (await query(ann, bob)).device_keys[bob.id][device]
    assert set(seen["signatures"][bob.id]) == {f"ed25519:{device}"}


async def test_new_keys_of_a_device_are_not_signed_by_the_old_signature(bob, identity):
    keys = device_keys(bob)
    await bob.call(UploadKeys(device_keys=keys))
    device = bob.caller.device_id
    signed = identity.sign("self_signing", {**keys, "signatures": {}})
    await sign(bob, **{bob.id: {device: signed}})
    await bob.call(UploadKeys(device_keys=device_keys(bob, algorithms=["m.other"])))
    seen = (await query(bob, bob)).device_keys[bob.id][device]
    assert set(seen["signatures"][bob.id]) == {f"ed25519:{device}"}


async def test_too_many_signatures_are_refused(bob):
    many = {str(number): {} for number in range(1_001)}
    with refused("M_TOO_LARGE"):
        await bob.call(UploadSignatures(signatures={bob.id: many}))
