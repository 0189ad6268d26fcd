"""Rooms that replace rooms, and rooms within rooms."""

from __future__ import annotations

from chatproto.operations.declare import Operation

OPERATIONS: tuple[Operation, ...] = ()
