"""Where a program keeps whom it is logged in as, between its runs."""

from __future__ import annotations

import json
import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, field, fields_dict, frozen

from chatproto.client.session import Session, connect
from chatproto.client.tokens import Tokens
from chatproto.errors import LocalError
from chatproto.operations.accounts import LoggedIn


class NotLoggedInError(LocalError):
    """There is no profile of this name yet."""


@frozen
class Profile:
    """Who somebody is at a server, and by which tokens.

    `expires_ms` is when `token` ends, in milliseconds since the epoch; None: not by
    itself.
    """

    url: str
    user_id: str
    token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_ms: int | None = None

    @classmethod
    def of(cls, url: str, answer: LoggedIn, now_ms: int) -> Profile:
        """The profile of somebody who has just logged in."""
        return cls(url, answer.user_id, "").with_tokens(Tokens.of(answer, now_ms))

    @property
    def tokens(self) -> Tokens:
        return Tokens(
            access=self.token, refresh=self.refresh_token, expires_ms=self.expires_ms
        )

    def with_tokens(self, tokens: Tokens) -> Profile:
        return evolve(
            self,
            token=tokens.access,
            refresh_token=tokens.refresh,
            expires_ms=tokens.expires_ms,
        )


@frozen
class ProfileTokens:
    """The tokens in a profile, as a session keeps them there."""

    name: str

    def load(self) -> Tokens:
        """Raises NotLoggedInError."""
        return load_profile(self.name).tokens

    def save(self, tokens: Tokens) -> None:
        """Raises NotLoggedInError if the profile has been deleted."""
        save_profile(self.name, load_profile(self.name).with_tokens(tokens))


def connect_profile(name: str, **options: Any) -> AbstractAsyncContextManager[Session]:
    """`connect` as the user of a profile; new tokens are kept in it.

    Raises NotLoggedInError, and what `connect` does.
    """
    profile = load_profile(name)
    return connect(profile.url, tokens=ProfileTokens(name), **options)


def profile_path(name: str) -> Path:
    """By the XDG Base Directory Specification."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "chatproto" / f"{name}.json"


def load_profile(name: str) -> Profile:
    """Raises NotLoggedInError, or LocalError if the file holds something else."""
    path = profile_path(name)
    known = fields_dict(Profile)
    try:
        stored = json.loads(path.read_text())
        return Profile(**{k: v for k, v in stored.items() if k in known})
    except FileNotFoundError:
        raise NotLoggedInError(
            "you are not logged in; use `chatproto login URL`",
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise LocalError(f"{path} does not hold a profile: {error}") from None


def save_profile(name: str, profile: Profile) -> None:
    """Keep a profile where only its owner may read it; it is there whole or not."""
    path = profile_path(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(profile), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def delete_profile(name: str) -> None:
    profile_path(name).unlink(missing_ok=True)
