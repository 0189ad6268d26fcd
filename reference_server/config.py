"""What an operator sets: on the command line, in the environment, in a TOML file.

The command line wins over the environment, that over the file. A setting `x_y` is
`--x-y`, `CHATPROTO_X_Y` and `x_y` under `[chatproto]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import attrs
from attrs import evolve, field, frozen

from chatproto.errors import LocalError, MatrixError
from chatproto.ids import parse_server_name
from chatproto.server.reach import parse_networks

ENV_PREFIX = "CHATPROTO_"
REGISTRATION = ("open", "token", "closed")


class ConfigError(LocalError):
    """A setting is wrong; the message names it and says what it may be."""


@frozen(kw_only=True)
class Config:
    """The settings of a server. Sizes are in bytes, times in milliseconds."""

    data: str = field(
        default="./data", metadata={"help": "folder of the database and files"}
    )
    listen: str = field(default="127.0.0.1:8008", metadata={"help": "HOST:PORT"})
    server_name: str = field(
        default="localhost",
        metadata={"help": "the name in user and room IDs; it can never change"},
    )
    registration: str = field(
        default="closed",
        metadata={"help": "who may register: open, token or closed"},
    )
    registration_tokens: list[str] = field(
        factory=list,
        metadata={"help": "tokens that allow to register, where it takes one"},
    )
    guests: bool = field(
        default=False,
        metadata={"help": "let in who has no account, where a room lets guests join"},
    )
    rate_limits: str = field(default="on", metadata={"help": "on or off"})
    demo: bool = field(
        default=False,
        metadata={"help": "make demo users and rooms; only for trying out"},
    )
    demo_anywhere: bool = field(
        default=False,
        metadata={"help": "let a demo listen on other than loopback addresses"},
    )
    origins: list[str] = field(
        factory=list,
        metadata={
            "help": "pages that may open sockets, as https://chat.example.org; empty: all"
        },
    )
    trusted_hops: int = field(
        default=0,
        metadata={
            "help": "number of reverse proxies whose X-Forwarded-For is believed"
        },
    )
    base_url: str = field(
        default="", metadata={"help": "the public address, if published"}
    )
    upload_bytes: int = field(
        default=50 * 1024 * 1024,
        metadata={"help": "the largest file that is taken"},
    )
    media_bytes: int = field(
        default=20 * 1024**3,
        metadata={"help": "how much one user may upload in all"},
    )
    media_day_bytes: int = field(
        default=5 * 1024**3,
        metadata={"help": "how much one user may upload within 24 hours"},
    )
    legacy_media: bool = field(
        default=False,
        metadata={"help": "give files out without a token, for clients before 2024"},
    )
    token_in_query: bool = field(
        default=False,
        metadata={
            "help": "take the access token from the query as well (logs show it)"
        },
    )
    web_client: bool = field(
        default=True, metadata={"help": "serve the web client at /"}
    )
    url_previews: bool = field(
        default=False,
        metadata={"help": "fetch pages that are linked to, to show what they are"},
    )
    outbound_networks: list[str] = field(
        factory=list,
        metadata={
            "help": "internal networks to connect to all the same, as 10.1.0.0/16"
        },
    )
    turn_uris: list[str] = field(
        factory=list,
        metadata={"help": "relays for calls, as turn:turn.example.org?transport=udp"},
    )
    turn_secret: str = field(
        default="",
        repr=False,
        metadata={"help": "what the relays know as static-auth-secret"},
    )
    turn_life_ms: int = field(
        default=24 * 3_600_000,
        metadata={"help": "how long credentials for the relays hold"},
    )
    modules: list[str] = field(factory=list, metadata={"help": "modules to switch on"})
    appservices: list[str] = field(
        factory=list,
        metadata={"help": "registration files of application services (bridges)"},
    )
    heartbeat_ms: int = field(default=30_000, metadata={"help": "between two pings"})
    log_format: str = field(default="text", metadata={"help": "text or json"})
    log_level: str = field(default="info", metadata={"help": "debug, info or warning"})

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


def load_config(path: Path | None, given: Mapping[str, Any]) -> Config:
    """Read the file and the environment; `given` are the options of the command line.

    Raises ConfigError.
    """
    import typed_settings as ts
    from typed_settings.exceptions import TsError

    files = [path] if path is not None else []
    if path is not None and not path.is_file():
        raise ConfigError(f"there is no file {path}")
    loaders: list[ts.loaders.Loader] = [
        ts.FileLoader(formats={"*.toml": ts.TomlFormat("chatproto")}, files=files),
        ts.EnvLoader(prefix=ENV_PREFIX),
    ]
    converter = ts.converters.TSConverter(resolve_paths=False, strlist_sep=",")
    try:
        config = ts.load_settings(Config, loaders=loaders, converter=converter)
    except TsError as error:
        told = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        raise ConfigError("; ".join(map(str, told))) from None
    config = evolve(config, **{k: v for k, v in given.items() if v is not None})
    check(config)
    return config


def check(config: Config) -> None:
    """Raises ConfigError."""
    _one_of("registration", config.registration, REGISTRATION)
    _one_of("rate_limits", config.rate_limits, ("on", "off"))
    _one_of("log_format", config.log_format, ("text", "json"))
    _one_of("log_level", config.log_level, ("debug", "info", "warning"))
    try:
        parse_server_name(config.server_name)
        host, port = config.address
    except (MatrixError, ValueError) as error:
        raise ConfigError(f"server_name or listen is wrong: {error}") from None
    if not 0 <= port <= 65_535:
        raise ConfigError(f"listen: {port} is not a port")
    try:
        parse_networks(config.outbound_networks)
    except ValueError as error:
        raise ConfigError(f"outbound_networks: {error}") from None
    if not 0 <= config.trusted_hops <= 10:
        raise ConfigError("trusted_hops is a number from 0 to 10")
    if config.registration == "token" and not config.registration_tokens:
        raise ConfigError("registration is by token, but registration_tokens is empty")
    if config.demo and not config.demo_anywhere and not is_loopback(host):
        raise ConfigError(
            f"a demo has well-known passwords and does not listen on {host}; "
            "if that is really meant, say --demo-anywhere as well",
        )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def options() -> tuple[attrs.Attribute[Any], ...]:
    """The settings, for the command line and the reference."""
    return attrs.fields(Config)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(f"{name} is one of {', '.join(known)}; got {value!r}")
