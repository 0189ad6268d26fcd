"""Keys by which users vouch for devices and for each other."""

from __future__ import annotations

from chatproto.decisions import Handler

HANDLERS: tuple[Handler, ...] = ()
