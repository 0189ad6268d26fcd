"""Who is there, and what they say about it."""

from __future__ import annotations

from attrs import evolve, frozen

from chatproto.canonical import JsonObject
from chatproto.sync.fields import number, text

EXPIRES_IN = "org.chatproto.expires_in_ms"


@frozen(kw_only=True)
class Presence:
    """`presence` is online, unavailable or offline; times are on the client's clock.

    `status_expires_ms` is when the status text ends, if the server has said so.
    """

    presence: str = "offline"
    status_msg: str | None = None
    currently_active: bool = False
    last_active_ms: int | None = None
    status_expires_ms: int | None = None

    @classmethod
    def of(cls, content: JsonObject, now_ms: int) -> Presence:
        """Read the content of m.presence as it comes in at `now_ms`."""
        ago = number(content, "last_active_ago")
        expires_in = number(content, EXPIRES_IN)
        return cls(
            presence=text(content, "presence") or "offline",
            status_msg=text(content, "status_msg") or None,
            currently_active=content.get("currently_active") is True,
            last_active_ms=None if ago is None else now_ms - ago,
            status_expires_ms=None if expires_in is None else now_ms + expires_in,
        )

    def at(self, now_ms: int) -> Presence:
        """As it is by now: a status text may have ended."""
        expires = self.status_expires_ms
        if expires is None or now_ms < expires:
            return self
        return evolve(self, status_msg=None, status_expires_ms=None)

    def picture(self) -> JsonObject:
        # Without times, which depend on when the news came in.
        return {
            "presence": self.presence,
            "status_msg": self.status_msg,
            "currently_active": self.currently_active,
        }
