from __future__ import annotations

import pytest

from chatproto.errors import MatrixError
from chatproto.rooms.version import (
    OFFERED_VERSIONS,
    ROOM_VERSIONS,
    V10,
    V11,
    room_version,
)


def test_known_versions_are_found():
    assert room_version("11") is V11
    assert room_version("10") is V10


def test_only_known_versions_are_offered():
    assert set(OFFERED_VERSIONS) <= set(ROOM_VERSIONS)
    assert V10.id not in OFFERED_VERSIONS


@pytest.mark.parametrize("version", ["", "1", "12", "x" * 5000])
def test_unknown_version_is_refused(version):
    with pytest.raises(MatrixError) as caught:
        room_version(version)
    assert caught.value.errcode == "M_UNSUPPORTED_ROOM_VERSION"
    assert len(caught.value.error) < 99
