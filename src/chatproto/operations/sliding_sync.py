"""Simplified sliding sync (MSC4186)."""

from __future__ import annotations

from chatproto.operations.declare import Operation

OPERATIONS: tuple[Operation, ...] = ()
