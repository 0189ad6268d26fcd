"""Asking a running server how it is, from the machine it runs on."""

from __future__ import annotations

import http.client
import json
from ipaddress import ip_address

from chatproto.errors import LocalError
from reference_server.config import Config

PATH = "/readyz"
_ANSWER_BYTES = 4096


class HealthError(LocalError):
    """No server answers, or it takes no calls; the message says which."""


def ask(config: Config, timeout_seconds: float = 4.0) -> str:
    """What the server of these settings says of itself. Raises HealthError."""
    host, port = _reachable(config)
    connection = http.client.HTTPConnection(host, port, timeout=timeout_seconds)
    try:
        connection.request("GET", PATH)
        response = connection.getresponse()
        state = _state(response.read(_ANSWER_BYTES))
    except (OSError, http.client.HTTPException) as error:
        raise HealthError(f"no server answers on {config.listen}: {error}") from None
    finally:
        connection.close()
    if response.status != 200:
        raise HealthError(f"the server takes no calls: {state}")
    return state


def _reachable(config: Config) -> tuple[str, int]:
    """Where a server listens that listens on every address is loopback, too."""
    host, port = config.address
    if port == 0:
        raise HealthError("listen: say the port that the server listens on")
    if host in ("", "0.0.0.0"):  # noqa: S104  # asked, not listened on
        return "127.0.0.1", port
    try:
        unspecified = ip_address(host).is_unspecified
    except ValueError:
        return host, port
    return ("::1" if unspecified else host), port


def _state(body: bytes) -> str:
    """The word of the answer; one that is none of ours has none."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    state = told.get("status") if isinstance(told, dict) else None
    if not isinstance(state, str):
        raise HealthError("what answers is not a chatproto server")
    return state
