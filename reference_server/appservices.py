"""Registration files of application services, as bridges write them: YAML."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chatproto.server.appservices.registration import (
    Registration,
    RegistrationError,
    parse_registration,
)
from reference_server.config import ConfigError

MAX_FILE_BYTES = 1024 * 1024


def read_registrations(paths: Iterable[str]) -> tuple[Registration, ...]:
    """The registrations in these files. Raises ConfigError, which names the file."""
    return tuple(_read(Path(path)) for path in paths)


def _read(path: Path) -> Registration:
    import yaml  # here, for most servers have no such files

    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ConfigError(f"appservices: {path} is over {MAX_FILE_BYTES} bytes")
        return parse_registration(yaml.safe_load(content))
    except OSError as error:
        raise ConfigError(
            f"appservices: cannot read {path}: {error.strerror}"
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise ConfigError(f"appservices: {path} is no YAML: {told}") from None
    except RegistrationError as error:
        raise ConfigError(f"appservices: {path}: {error}") from None
