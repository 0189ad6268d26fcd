from __future__ import annotations

import pytest

from chatproto.operations.key_backup import CreateBackup, DeleteKeys, PutKeys
from tests.unit.server.harness import refused


@pytest.mark.parametrize("version", ["99999999999999999999", "9" * 5_000, "-1", "x"])
async def test_absurd_version_is_refused(bob, version):
    await bob.call(CreateBackup(algorithm="m.test", auth_data={"key": "x"}))
    with refused("M_NOT_FOUND"):
        await bob.call(DeleteKeys(version=version))
    with refused("M_WRONG_ROOM_KEYS_VERSION"):
        await bob.call(PutKeys(version=version, rooms={}))
