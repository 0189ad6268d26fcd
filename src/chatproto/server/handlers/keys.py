"""Keys of devices and users."""

from __future__ import annotations

from chatproto.decisions import Handler

HANDLERS: tuple[Handler, ...] = ()
