from __future__ import annotations

from chatproto.sync.presence import Presence


def test_times_are_on_the_clients_clock() -> None:
    presence = Presence.of({"presence": "online", "last_active_ago": 300}, 1_000)
    assert presence.last_active_ms == 700
    assert presence.status_expires_ms is None


def test_status_ends_with_its_time() -> None:
    content = {"status_msg": "out", "org.chatproto.expires_in_ms": 50}
    presence = Presence.of(content, 1_000)
    assert presence.at(1_049) is presence
    assert presence.at(1_050).status_msg is None


def test_malformed_content_is_offline() -> None:
    assert Presence.of({"presence": 3, "status_msg": []}, 0) == Presence()
