"""The registration of an application service, and the namespaces it claims.

Patterns are run by RE2, in time linear to what they are held against: those that could
run for ever (with look-around or back-references) are refused when they are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from attrs import Factory, field, frozen

from chatproto.canonical import JsonObject
from chatproto.errors import LocalError, MatrixError
from chatproto.ids import ServerName, UserId, parse_new_localpart, user_id

MAX_PATTERN = 1_000
MAX_NAMESPACES = 1_000
MAX_ID = 128
_MAX_MEMORY = 8 * 1024 * 1024
_MIN_TOKEN = 8
# What receive_ephemeral was called before it was in the specification, and the name
# that bridges which ask by it look for in what they are told.
_OLD_EPHEMERAL = "de.sorunome.msc2409.push_ephemeral"
_OLD_EPHEMERAL_EVENTS = "de.sorunome.msc2409.ephemeral"

_Matches: TypeAlias = Callable[[str], bool]


class RegistrationError(LocalError):
    """A registration is wrong; the message says where and what it should be."""


def _matcher(regex: str) -> _Matches:
    # Here, for it is not installed with the library alone; it comes without types.
    import re2  # type: ignore[import-untyped]

    if len(regex) > MAX_PATTERN:
        raise RegistrationError(f"a pattern is longer than {MAX_PATTERN} characters")
    options: Any = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    try:
        pattern = re2.compile(regex, options)
    except (re2.error, UnicodeEncodeError) as error:
        told = error.args[0] if error.args else error
        shown = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
        raise RegistrationError(f"the pattern {regex!r} is none of RE2: {shown}") from (
            None
        )

    def matches(text: str) -> bool:
        return pattern.match(text) is not None

    return matches


@frozen
class Namespace:
    """Names by a pattern, which they begin with; `exclusive`: nobody else may use them.

    Raises RegistrationError for a pattern that is not RE2's.
    """

    regex: str
    exclusive: bool = False
    _matches: _Matches = field(
        init=False,
        repr=False,
        eq=False,
        default=Factory(lambda self: _matcher(self.regex), takes_self=True),
    )

    def has(self, name: str) -> bool:
        return self._matches(name)


@frozen(kw_only=True)
class Registration:
    """An application service. `url` None: it is told of nothing.

    `rate_limited` is about the users it acts for; its own user never is.
    """

    id: str
    url: str | None
    as_token: str = field(repr=False)
    hs_token: str = field(repr=False)
    sender_localpart: str
    users: tuple[Namespace, ...] = ()
    aliases: tuple[Namespace, ...] = ()
    rooms: tuple[Namespace, ...] = ()
    rate_limited: bool = True
    protocols: tuple[str, ...] = ()
    receive_ephemeral: bool = False
    ephemeral_name: str = "ephemeral"

    def sender(self, server: ServerName) -> UserId:
        return user_id(self.sender_localpart, server)


def parse_registration(json: object) -> Registration:
    """A registration from the content of its file. Raises RegistrationError."""
    if not isinstance(json, dict):
        raise RegistrationError("a registration is a mapping of names to values")
    namespaces = json.get("namespaces", {})
    if not isinstance(namespaces, dict):
        raise RegistrationError("namespaces is a mapping with users, aliases and rooms")
    is_old = "receive_ephemeral" not in json and _OLD_EPHEMERAL in json
    return Registration(
        id=_id(json),
        url=_url(json),
        as_token=_token(json, "as_token"),
        hs_token=_token(json, "hs_token"),
        sender_localpart=_localpart(json),
        users=_namespaces(namespaces, "users"),
        aliases=_namespaces(namespaces, "aliases"),
        rooms=_namespaces(namespaces, "rooms"),
        rate_limited=_flag(json, "rate_limited", default=True),
        protocols=_strings(json, "protocols"),
        receive_ephemeral=_flag(
            json, _OLD_EPHEMERAL if is_old else "receive_ephemeral", default=False
        ),
        ephemeral_name=_OLD_EPHEMERAL_EVENTS if is_old else "ephemeral",
    )


def _text(json: JsonObject, name: str) -> str:
    value = json.get(name)
    if not isinstance(value, str) or not value:
        raise RegistrationError(f"{name} is missing, or is no text")
    return value


def _id(json: JsonObject) -> str:
    name = _text(json, "id")
    if len(name) > MAX_ID or not name.isprintable():
        raise RegistrationError(f"id is at most {MAX_ID} printable characters")
    return name


def _token(json: JsonObject, name: str) -> str:
    token = _text(json, name)
    if len(token) < _MIN_TOKEN or not (token.isascii() and token.isprintable()):
        raise RegistrationError(
            f"{name} is a secret of at least {_MIN_TOKEN} printable ASCII characters"
        )
    return token


def _url(json: JsonObject) -> str | None:
    if "url" not in json:
        raise RegistrationError("url is missing; null if nothing is to be sent there")
    url = json["url"]
    if url is None or url == "":
        return None
    if not isinstance(url, str) or not _is_address(url):
        raise RegistrationError(f"url is http(s)://HOST[:PORT][/PATH]; got {url!r}")
    return url.rstrip("/")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname)
        extra = parts.query or parts.fragment or parts.username or parts.port == 0
    except ValueError:
        return False
    return named and not extra and url.isascii() and url.isprintable()


def _localpart(json: JsonObject) -> str:
    name = _text(json, "sender_localpart")
    try:
        same = parse_new_localpart(name) == name
    except MatrixError:
        same = False
    if not same:
        raise RegistrationError(
            f"sender_localpart is of a-z, digits and ._=-/+; got {name[:60]!r}"
        )
    return name


def _flag(json: JsonObject, name: str, *, default: bool) -> bool:
    value = json.get(name, default)
    if not isinstance(value, bool):
        raise RegistrationError(f"{name} is true or false")
    return value


def _strings(json: JsonObject, name: str) -> tuple[str, ...]:
    values = [] if json.get(name) is None else json[name]
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise RegistrationError(f"{name} is a list of texts")
    return tuple(values)


def _namespaces(json: JsonObject, name: str) -> tuple[Namespace, ...]:
    entries = [] if json.get(name) is None else json[name]
    if not isinstance(entries, list) or len(entries) > MAX_NAMESPACES:
        raise RegistrationError(
            f"namespaces.{name} is a list of at most {MAX_NAMESPACES}"
        )
    return tuple(_namespace(entry, name) for entry in entries)


def _namespace(entry: object, name: str) -> Namespace:
    if not isinstance(entry, dict) or not isinstance(entry.get("regex"), str):
        raise RegistrationError(f"an entry of namespaces.{name} has a text `regex`")
    try:
        return Namespace(
            entry["regex"], exclusive=_flag(entry, "exclusive", default=False)
        )
    except RegistrationError as error:
        raise RegistrationError(f"namespaces.{name}: {error}") from None
