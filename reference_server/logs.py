"""Structured logs: text for people, JSON for machines; never a secret in either."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_KEYS = frozenset(
    ("token", "access_token", "password", "authorization", "ticket")
)
_SECRET_TEXT = re.compile(r"\bcp[art]_[A-Za-z0-9_-]{8,}|access_token=[^&\s]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
MAX_TEXT = 2_000


def configure(log_format: str, log_level: str) -> None:
    """Set logging up for a server process; everything goes to standard error."""
    level = getattr(logging, log_level.upper())
    logging.basicConfig(level=level, stream=sys.stderr, format="%(name)s %(message)s")
    # httpx2 would log every address that is asked for, with its query.
    for noisy in ("hypercorn.access", "quart.serving", "httpx2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    json = log_format == "json"
    renderer: Any = structlog.processors.JSONRenderer()
    if not json:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            without_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def without_secrets(
    _logger: object,
    _method: str,
    event: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Hide tokens and passwords, and what would let one entry look like two."""
    for key, value in event.items():
        if key in _SECRET_KEYS:
            event[key] = "(hidden)"
        elif isinstance(value, str):
            hidden = _SECRET_TEXT.sub("(hidden)", value)
            if key != "exception":
                hidden = _CONTROL.sub(" ", hidden)
            event[key] = hidden[:MAX_TEXT]
    return event
