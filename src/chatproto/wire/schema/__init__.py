"""Documents that describe a server to other programs, derived from its operations."""

from __future__ import annotations

from chatproto.wire.schema.asyncapi import asyncapi
from chatproto.wire.schema.openapi import openapi

__all__ = ["asyncapi", "openapi"]
