from __future__ import annotations

from chatproto.sync.typing import Typing


def test_oneself_is_never_in_the_list() -> None:
    typing = Typing()
    assert not typing.replace(["@me:x"], "@me:x", 0)
    assert typing.replace(["@b:x", "@me:x", "@a:x"], "@me:x", 0)
    assert typing.user_ids == ("@a:x", "@b:x")


def test_list_ends_thirty_seconds_after_last_news() -> None:
    typing = Typing()
    typing.replace(["@a:x"], "@me:x", 1_000)
    typing.replace(["@a:x"], "@me:x", 5_000)
    assert not typing.expire(34_999)
    assert typing.expire(35_000)
    assert typing.user_ids == ()
    assert not typing.expire(99_000)
