"""Asking an application service: whether a name of its own exists, whether it is there.

Source: Application Service API, "Querying" and "Pinging".
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

import httpx2
import trio
from attrs import frozen

from chatproto.canonical import JsonObject, dumps
from chatproto.errors import MatrixError
from chatproto.server.appservices.registration import Registration

# Somebody waits meanwhile, so it is not long.
ASK_TIMEOUT_S = 10.0
PING_TIMEOUT_S = 30.0
_SHOWN_BYTES = 1_000

_log = logging.getLogger(__name__)


@frozen
class Asking:
    """Requests to application services that somebody waits for."""

    client: httpx2.AsyncClient

    async def has_user(self, registration: Registration, user_id: str) -> bool:
        """Whether it has made the user, having been asked."""
        return await self._has(registration, f"users/{quote(user_id, safe='')}")

    async def has_alias(self, registration: Registration, alias: str) -> bool:
        """Whether it has made a room with the alias, having been asked."""
        return await self._has(registration, f"rooms/{quote(alias, safe='')}")

    async def ping(self, registration: Registration, txn_id: str | None) -> int:
        """How many milliseconds it took to answer. Raises MatrixError."""
        body: JsonObject = {} if txn_id is None else {"transaction_id": txn_id}
        if registration.url is None:
            raise MatrixError(
                "M_URL_NOT_SET", "its registration has no url", status=400
            )
        started = trio.current_time()
        try:
            with trio.fail_after(PING_TIMEOUT_S):
                answer = await self._request(registration, "POST", "ping", body)
        except (trio.TooSlowError, httpx2.TimeoutException):
            raise MatrixError(
                "M_CONNECTION_TIMEOUT", "it did not answer in time", status=504
            ) from None
        except (httpx2.HTTPError, OSError) as error:
            raise MatrixError(
                "M_CONNECTION_FAILED", f"it cannot be reached: {error}", status=502
            ) from None
        if not answer.is_success:
            raise MatrixError(
                "M_BAD_STATUS",
                f"it answered with status {answer.status_code}",
                status=502,
                extra={
                    "status": answer.status_code,
                    "body": answer.text[:_SHOWN_BYTES],
                },
            )
        return round((trio.current_time() - started) * 1000)

    async def _has(self, registration: Registration, what: str) -> bool:
        try:
            with trio.fail_after(ASK_TIMEOUT_S):
                answer = await self._request(registration, "GET", what)
        except (trio.TooSlowError, httpx2.HTTPError, OSError) as error:
            _log.warning("%s does not say what it has: %s", registration.id, error)
            return False
        return answer.is_success

    async def _request(
        self, registration: Registration, verb: str, path: str, body: Any = None
    ) -> httpx2.Response:
        return await self.client.request(
            verb,
            f"{registration.url}/_matrix/app/v1/{path}",
            content=None if body is None else dumps(body),
            headers={
                "Authorization": f"Bearer {registration.hs_token}",
                "Content-Type": "application/json",
            },
        )
