"""The one place that names concrete classes: from settings to a running server."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from chatproto.ids import parse_server_name
from chatproto.module import Module
from chatproto.server.engine import Engine
from chatproto.server.rates import DEFAULT_RATES
from chatproto.server.reach import Reach, parse_networks
from chatproto.server.settings import Settings
from chatproto.storage.broker import LocalBroker
from chatproto.storage.clock import SystemClock
from chatproto.storage.keys import FileKeyStore
from chatproto.storage.media import FileMediaStore
from chatproto.storage.sqlite import SqliteStore
from reference_server.appservices import read_registrations
from reference_server.config import Config, ConfigError

if TYPE_CHECKING:
    from chatproto.ports import MediaStore
    from chatproto.server.appservices.registration import Registration

MODULE_GROUP = "chatproto.modules"


@frozen
class Server:
    """An engine with what stands beside it: files, and what was made of them."""

    config: Config
    engine: Engine
    media: MediaStore
    made: MediaStore


@asynccontextmanager
async def open_server(
    config: Config, appservices: Sequence[Registration] = ()
) -> AsyncGenerator[Server]:
    """A server on its data folder, without a listener.

    `appservices` are more than those whose files the settings name. Raises ConfigError.
    """
    folder = Path(config.data)
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # nothing runs yet
    modules = find_modules(config.modules)
    given = (*read_registrations(config.appservices), *appservices)
    settings = evolve(engine_settings(config), appservices=given)
    async with Engine.open(
        settings,
        store=SqliteStore(folder / "chatproto.sqlite"),
        clock=SystemClock(),
        keys=FileKeyStore(folder),
        random=os.urandom,
        modules=modules,
        broker=LocalBroker(),
    ) as engine:
        media, made = (FileMediaStore(folder / n) for n in ("media", "thumbnails"))
        yield Server(config, engine, media, made)


def engine_settings(config: Config) -> Settings:
    """Raises ConfigError."""
    check_turn(config)
    return Settings(
        server_name=parse_server_name(config.server_name),
        registration=config.registration,
        registration_tokens=tuple(config.registration_tokens),
        guests=config.guests,
        rates=DEFAULT_RATES if config.rate_limits == "on" else None,
        upload_bytes=config.upload_bytes,
        media_bytes=config.media_bytes,
        media_day_bytes=config.media_day_bytes,
        legacy_media=config.legacy_media,
        url_previews=config.url_previews,
        reach=Reach(networks=parse_networks(config.outbound_networks)),
        turn_uris=tuple(config.turn_uris),
        turn_secret=config.turn_secret,
        turn_life_ms=config.turn_life_ms,
        base_url=config.base_url or None,
    )


def check_turn(config: Config) -> None:
    """Raises ConfigError."""
    if not all(uri.startswith(("turn:", "turns:")) for uri in config.turn_uris):
        raise ConfigError("turn_uris begin with turn: or turns:")
    if config.turn_uris and not config.turn_secret:
        raise ConfigError("turn_uris are there, but turn_secret is empty")
    if config.turn_life_ms < 60_000:
        raise ConfigError("turn_life_ms is a minute (60000) or more")


def find_modules(names: Sequence[str]) -> list[Module]:
    """The modules switched on by name. Raises ConfigError for one not installed."""
    if not names:
        return []
    known = {point.name: point for point in entry_points(group=MODULE_GROUP)}
    modules = []
    for name in names:
        if name not in known:
            installed = ", ".join(sorted(known)) or "none"
            raise ConfigError(
                f"module {name!r} is not installed; there are: {installed}"
            )
        module = known[name].load()
        if not isinstance(module, Module):
            raise ConfigError(f"{name!r} is not a chatproto module")
        modules.append(module)
    return modules
