from __future__ import annotations

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
