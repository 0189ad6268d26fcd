"""Rooms within rooms."""

from __future__ import annotations

from chatproto.decisions import Handler

HANDLERS: tuple[Handler, ...] = ()
