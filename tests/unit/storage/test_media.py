from __future__ import annotations

import errno

import pytest

from chatproto.errors import MatrixError
from chatproto.storage.media import FileMediaStore


async def body(*chunks, error=None):
    for chunk in chunks:
        yield chunk
    if error is not None:
        raise error


async def read(store, media_id):
    return b"".join([chunk async for chunk in store.get(media_id)])


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_file_is_kept_whole(tmp_path):
    store = FileMediaStore(tmp_path)
    assert await store.put("abcdef", body(b"x" * 70_000, b"", b"end")) == 70_003
    assert await read(store, "abcdef") == b"x" * 70_000 + b"end"
    assert await store.size("abcdef") == 70_003


@pytest.mark.parametrize(
    ("start", "end"), [(0, 3), (3, None), (65_000, 66_000), (0, 0), (69_999, 70_003)]
)
async def test_part_of_a_file_is_read(tmp_path, start, end):
    store = FileMediaStore(tmp_path)
    data = bytes(range(256)) * 274
    await store.put("abcdef", body(data))
    got = b"".join([chunk async for chunk in store.get("abcdef", start, end)])
    assert got == data[start:end]


async def test_full_disk_takes_no_more(tmp_path):
    store = FileMediaStore(tmp_path, spare_bytes=1 << 60)
    with pytest.raises(MatrixError, match="no space") as caught:
        await store.put("abcdef", body(b"x"))
    assert caught.value.status == 507
    assert files(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_disk_that_fills_up_is_told(tmp_path, number):
    store = FileMediaStore(tmp_path)
    with pytest.raises(MatrixError, match="no space"):
        await store.put("abcdef", body(b"half", error=OSError(number, "full")))
    assert files(tmp_path) == []


async def test_file_that_breaks_off_leaves_nothing(tmp_path):
    store = FileMediaStore(tmp_path)
    with pytest.raises(OSError, match="gone"):
        await store.put("abcdef", body(b"half", error=OSError("gone")))
    assert files(tmp_path) == []
    assert await store.size("abcdef") is None


async def test_deleted_file_is_gone(tmp_path):
    store = FileMediaStore(tmp_path)
    await store.put("abcdef", body(b"x"))
    await store.delete("abcdef")
    await store.delete("abcdef")
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    "media_id", ["../../etc/passwd", "a/b/c/d", "abc", "", "ab\0cd", "..aaaa", "é" * 8]
)
async def test_other_names_never_become_paths(tmp_path, media_id):
    store = FileMediaStore(tmp_path)
    for refused in (
        store.size(media_id),
        store.delete(media_id),
        store.put(media_id, body(b"x")),
        read(store, media_id),
    ):
        with pytest.raises(MatrixError, match="not a media ID"):
            await refused
    assert files(tmp_path) == []
