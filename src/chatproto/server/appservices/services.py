"""The application services of a server: whose token it is, and what is whose."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator

from attrs import define, field

from chatproto.errors import MatrixError
from chatproto.ids import ServerName, UserId, server_name
from chatproto.server.appservices.registration import (
    Namespace,
    Registration,
    RegistrationError,
)

# So many names are remembered as matched or not; a name is asked for again and again.
MAX_REMEMBERED = 50_000


@define(eq=False)
class Claims:
    """What one application service claims on a server."""

    registration: Registration
    server: ServerName
    sender: UserId = field(init=False)
    _users: dict[str, bool] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.sender = self.registration.sender(self.server)

    def has_user(self, user_id: str) -> bool:
        """Whether a user of this server is its own, or in its namespaces."""
        if user_id == self.sender:
            return True
        known = self._users.get(user_id)
        if known is None:
            local = server_name(user_id) == self.server
            known = local and _any(self.registration.users, user_id)
            if len(self._users) >= MAX_REMEMBERED:
                self._users.clear()
            self._users[user_id] = known
        return known

    def has_alias(self, alias: str) -> bool:
        return _any(self.registration.aliases, alias)

    def has_room(self, room_id: str) -> bool:
        return _any(self.registration.rooms, room_id)

    def has_user_alone(self, user_id: str) -> bool:
        """Whether nobody else may register this user."""
        if user_id == self.sender:
            return True
        return any(n.exclusive and n.has(user_id) for n in self.registration.users)

    def has_alias_alone(self, alias: str) -> bool:
        return any(n.exclusive and n.has(alias) for n in self.registration.aliases)


def _any(namespaces: tuple[Namespace, ...], name: str) -> bool:
    return any(namespace.has(name) for namespace in namespaces)


@define(eq=False)
class Appservices:
    """All of a server. Raises RegistrationError if two share an ID, token or sender."""

    registrations: tuple[Registration, ...]
    server: ServerName
    claims: dict[str, Claims] = field(init=False)

    def __attrs_post_init__(self) -> None:
        for name in ("id", "as_token", "sender_localpart"):
            values = [getattr(r, name) for r in self.registrations]
            if len({*values}) != len(values):
                ids = ", ".join(r.id for r in self.registrations)
                raise RegistrationError(f"two of {ids} have the same {name}")
        self.claims = {r.id: Claims(r, self.server) for r in self.registrations}

    def __iter__(self) -> Iterator[Claims]:
        return iter(self.claims.values())

    def of_token(self, token: str) -> Claims | None:
        """Whose token it is; takes as long for any that is nobody's."""
        given = token.encode("utf-8", "surrogatepass")
        found = None
        for claims in self.claims.values():
            known = claims.registration.as_token.encode()
            if hmac.compare_digest(known, given):
                found = claims
        return found

    def require_user(self, user_id: str, appservice_id: str | None) -> None:
        """Raises MatrixError M_EXCLUSIVE for a user who is somebody else's."""
        others = self._others(appservice_id)
        if any(claims.has_user_alone(user_id) for claims in others):
            raise MatrixError(
                "M_EXCLUSIVE", f"{user_id[:60]} is kept for an application service"
            )
        own = self.claims.get(appservice_id or "")
        if own is not None and not own.has_user(user_id):
            raise MatrixError(
                "M_EXCLUSIVE",
                f"{user_id[:60]} is in no namespace of this application service",
            )

    def require_alias(self, alias: str, appservice_id: str | None) -> None:
        """Raises MatrixError M_EXCLUSIVE for an alias that is somebody else's."""
        others = self._others(appservice_id)
        if any(claims.has_alias_alone(alias) for claims in others):
            raise MatrixError(
                "M_EXCLUSIVE", f"{alias[:60]} is kept for an application service"
            )

    def _others(self, appservice_id: str | None) -> Iterable[Claims]:
        return (c for c in self if c.registration.id != appservice_id)
