"""Where the command line keeps whom it is logged in as."""

from __future__ import annotations

import json
import os
from pathlib import Path

from attrs import asdict, field, frozen

from chatproto.errors import LocalError


class NotLoggedInError(LocalError):
    """There is no profile of this name yet."""


@frozen
class Profile:
    url: str
    user_id: str
    token: str = field(repr=False)


def profile_path(name: str) -> Path:
    """By the XDG Base Directory Specification."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "chatproto" / f"{name}.json"


def load_profile(name: str) -> Profile:
    """Raises NotLoggedInError."""
    try:
        return Profile(**json.loads(profile_path(name).read_text()))
    except FileNotFoundError:
        raise NotLoggedInError(
            "you are not logged in; use `chatproto login URL`",
        ) from None


def save_profile(name: str, profile: Profile) -> None:
    """Keep a profile where only its owner may read it."""
    path = profile_path(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(profile), file)


def delete_profile(name: str) -> None:
    profile_path(name).unlink(missing_ok=True)
